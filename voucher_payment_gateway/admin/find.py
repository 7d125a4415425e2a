"""Find payments, sales and differences by whatever a customer or a colleague has at hand.

What is typed may be a code: it is compared by its fingerprint, is neither stored nor shown, and reaches no statement
where it is known to be one.
"""

import itertools
from dataclasses import dataclass
from typing import Any

from django.db.models import F, Q, QuerySet
from django.db.models.functions import Lower
from django.db.models.lookups import Exact
from django.views.decorators.debug import sensitive_variables

from voucher_payment_gateway.admin.pages import account_names
from voucher_payment_gateway.admin.window import newest
from voucher_payment_gateway.codes import MAX_TYPED_LENGTH, is_blank, tidy
from voucher_payment_gateway.conf import gateway_settings
from voucher_payment_gateway.exceptions import VoucherUnusableError
from voucher_payment_gateway.gateway.holds.codes import clean_code
from voucher_payment_gateway.models import (
    VoucherArchivedOperation,
    VoucherDifference,
    VoucherOperation,
    VoucherPayment,
    VoucherSale,
)
from voucher_payment_gateway.models.conditions import BOOKS
from voucher_payment_gateway.opaque import Opaque, strip_traceback
from voucher_payment_gateway.sealing import HINT_LENGTH, fingerprints

__all__ = ["MAX_FOUND", "NOTHING", "Found", "find"]

MAX_FOUND = 50
"""The newest payments, sales and differences that a search shows of each."""

MAX_PARTS = 20
"""Parts between hyphens of a number that was sent: an order number has some."""


@dataclass(frozen=True)
class Found:
    """What was found, newest first. ``is_exact``: not only by the last characters of a code."""

    payments: list[VoucherPayment]
    sales: list[VoucherSale]
    differences: list[VoucherDifference]
    is_exact: bool = True

    def __bool__(self) -> bool:
        return bool(self.payments or self.sales or self.differences)

    @property
    def is_cut(self) -> bool:
        return MAX_FOUND in (len(self.payments), len(self.sales), len(self.differences))


NOTHING = Found([], [], [])


@strip_traceback
@sensitive_variables()
def find(term: Opaque, *, sales: bool = True, differences: bool = True) -> Found:
    """Return the rows that ``term`` names: a code, an order number, the id of a voucher, a reservation or a booking, a
    number that was sent, the address of a recipient, or the last characters of a code. None by parts, and each by an
    index, but reservations and last characters, which are looked for among the newest rows alone.

    A code is looked for by its fingerprint first, and where it is one of ours, or is known to be one by
    ``CODE_PATTERN``, it reaches no statement: a database may log slow ones with their values. The number of statements
    does not depend on the number of rows.
    """
    if is_blank(term) or len(term.reveal()) > MAX_TYPED_LENGTH or "\x00" in term.reveal():
        return NOTHING
    known = _fingerprints(term)
    found = _by_code(known, sales=sales) if known else NOTHING
    if found:
        return found
    text = tidy(term.reveal())
    if not (known and gateway_settings().CODE_PATTERN):
        found = _by_text(text, sales=sales, differences=differences)
    return found or _by_end(text, sales=sales)


@sensitive_variables()
def _fingerprints(term: Opaque) -> list[str]:
    """Return the fingerprints of what was typed, under every key; none where it cannot be a code."""
    try:
        return fingerprints(clean_code(term, "").code)
    except VoucherUnusableError:
        return []


def _by_code(known: list[str], *, sales: bool) -> Found:
    payments, sold = (
        model.current.filter(code_fingerprint__in=known) for model in (VoucherPayment, VoucherSale)
    )
    return Found(_newest([payments]), _newest([sold]) if sales else [], [])


@sensitive_variables()
def _by_text(text: str, *, sales: bool, differences: bool) -> Found:
    operations = VoucherOperation.current
    named = [
        operations.filter(BOOKS, remote_id=text).exclude(remote_id=""),
        newest(operations).filter(remote_id=text),  # reservations, and all else that books nothing
        newest(VoucherArchivedOperation.current).filter(remote_id=text),
    ]
    is_any = Q(voucher_id=text) | Q(order_number=text) | Q(remote_id=text)
    return Found(
        _newest(_payments(text, named)),
        _newest(_sales(text, named)) if sales else [],
        # there are few differences in all
        _newest([VoucherDifference.current.filter(is_any)]) if differences else [],
    )


@sensitive_variables()
def _by_end(text: str, *, sales: bool) -> Found:
    """Return the newest vouchers whose code ends like ``text``, in any case: as typed, in capitals or small letters."""
    end = text.lstrip("….")[-HINT_LENGTH:]
    hints = sorted({end, end.upper(), end.lower()} - {""})
    models = (VoucherPayment, VoucherSale)
    payments, sold = (newest(model.current).filter(code_hint__in=hints) for model in models)
    return Found(_newest([payments]), _newest([sold]) if sales else [], [], is_exact=False)


@sensitive_variables()
def _payments(text: str, named: list[QuerySet[Any]]) -> list[QuerySet[Any]]:
    payments = VoucherPayment.current
    sent = VoucherOperation.current.of_payments(order_number__in=_numbers_in(text), reference=text)
    archived = VoucherArchivedOperation.current.filter(
        payment__order_number__in=_numbers_in(text), more__reference=text
    )
    of = [
        rows.filter(payment__isnull=False).order_by().values("payment") for rows in (*named, sent, archived)
    ]
    return [
        payments.filter(order_number=text),
        payments.filter(voucher_id=text),
        *(payments.filter(pk__in=each) for each in of),
    ]


@sensitive_variables()
def _sales(text: str, named: list[QuerySet[Any]]) -> list[QuerySet[Any]]:
    sales = VoucherSale.current
    sent = VoucherOperation.current.filter(sale__order_number__in=_numbers_in(text), reference=text)
    archived = VoucherArchivedOperation.current.filter(
        sale__order_number__in=_numbers_in(text), more__reference=text
    )
    of = [rows.filter(sale__isnull=False).order_by().values("sale") for rows in (*named, sent, archived)]
    address = Exact(Lower(F("recipient_email")), text.lower())
    return [
        sales.filter(order_number=text),
        sales.filter(account__in=account_names(), voucher_id=text),
        *(sales.filter(pk__in=each) for each in of),
        *([sales.filter(address).exclude(recipient_email="")] if "@" in text else []),
    ]


def _numbers_in(reference: str) -> list[str]:
    """Return the order numbers that ``reference`` may begin with: those have an index, and references have none."""
    parts = reference.split("-")[:MAX_PARTS]
    return ["-".join(parts[:length]) for length in range(1, len(parts))]


def _newest(queries: list[QuerySet[Any]]) -> list[Any]:
    """Return the newest rows of several queries, each once. Each has its own index; one with OR would have none."""
    rows = itertools.chain.from_iterable(query.order_by("-pk")[:MAX_FOUND] for query in queries)
    found = {row.pk: row for row in rows}
    return [found[pk] for pk in sorted(found, reverse=True)][:MAX_FOUND]
