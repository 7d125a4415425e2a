"""What a notice to staff says of a case: the order number, the amount and a link. No code, not even its last
characters, and nothing of a customer."""

from collections import Counter, defaultdict
from collections.abc import Iterable
from datetime import datetime
from decimal import Decimal
from typing import Any, NamedTuple
from urllib.parse import urlencode
from uuid import UUID

from django.conf import settings
from django.urls import NoReverseMatch, reverse
from django.utils import translation

from voucher_payment_gateway.cases import CASES, KINDS_OF_ATTENTION
from voucher_payment_gateway.conf import gateway_settings
from voucher_payment_gateway.models import (
    VoucherApproval,
    VoucherOperation,
    VoucherPayment,
    VoucherSale,
    VoucherStaffCase,
)

__all__ = ["MAX_LISTED", "Case", "Notice", "attention_url", "notice_of"]

MAX_LISTED = 50
"""Cases that one notice lists, the newest; of the others it says how many they are."""

APP = "admin:voucher_payment_gateway"


class Case(NamedTuple):
    """One case. ``amount`` is None where it has none, ``url`` is "" where the admin has no page of it."""

    id: str
    kind: str
    title: str
    order_number: str
    account: str
    amount: Decimal | None
    currency: str
    since: datetime
    url: str


class Notice(NamedTuple):
    """All that one mail or POST says. ``total`` counts the cases, of which ``cases`` are the newest; ``counts`` has the
    number of each kind."""

    id: UUID
    total: int
    counts: dict[str, int]
    cases: list[Case]
    attention_url: str

    @property
    def more(self) -> int:
        """How many cases are not listed."""
        return self.total - len(self.cases)

    @property
    def titles(self) -> list[tuple[str, int]]:
        """The title of each kind of case, with how many there are."""
        return [(str(KINDS_OF_ATTENTION[kind][0]), count) for kind, count in self.counts.items()]


def notice_of(batch: UUID, found: list[VoucherStaffCase], now: datetime) -> Notice:
    """Return what is said of the cases ``found``, which all stand; in the language of the shop, whatever a worker was
    doing before."""
    listed = found[:MAX_LISTED]
    rows = _rows(listed, now)
    counts = dict(sorted(Counter(each.kind for each in found).items()))
    with translation.override(settings.LANGUAGE_CODE):
        cases = [_case(each, row) for each in listed if (row := rows.get((each.kind, each.subject_id)))]
        return Notice(batch, len(found), counts, cases, attention_url())


def attention_url() -> str:
    """Return the address of the page "needs attention"; "" where the project has no admin."""
    return _url(f"{APP}_attention")


def _rows(cases: Iterable[VoucherStaffCase], now: datetime) -> dict[tuple[str, int], Any]:
    wanted = defaultdict(list)
    for case in cases:
        wanted[case.kind].append(case.subject_id)
    found = {}
    for kind, pks in wanted.items():
        rows = CASES[kind](now).model.current.filter(pk__in=pks)
        if rows.model is VoucherOperation:
            rows = rows.select_related("payment", "sale")
        found.update({(kind, row.pk): row for row in rows})
    return found


def _case(case: VoucherStaffCase, row: Any) -> Case:
    title = str(KINDS_OF_ATTENTION[case.kind][0])
    account = (
        "" if isinstance(row, VoucherApproval) else row.account
    )  # a request is for all vouchers of an order
    amount, url = _amount(row), _url_of(row)
    return Case(
        str(case), case.kind, title, row.order_number, account, amount, row.currency, case.found_at, url
    )


def _amount(row: Any) -> Decimal | None:
    amount: Decimal | None
    if isinstance(row, VoucherOperation | VoucherSale | VoucherApproval):
        amount = row.amount
    elif isinstance(row, VoucherPayment):
        amount = row.amount_chargeable
    else:
        amount = row.amount_theirs if row.amount_ours is None else row.amount_ours
    return amount


def _url_of(row: Any) -> str:
    """Return the page on which a person sees the case, and decides where it has to be decided."""
    if isinstance(row, VoucherOperation):
        return _url(f"{APP}_order", number=row.order_number, part=f"operation-{row.pk}")
    if isinstance(row, VoucherApproval):
        return _url(f"{APP}_approve", row.pk)
    if isinstance(row, VoucherPayment):
        return _url(f"{APP}_order", number=row.order_number)
    return _url(f"{APP}_{row._meta.model_name}_change", row.pk)


def _url(name: str, *arguments: Any, part: str = "", **query: str) -> str:
    try:
        path = reverse(name, args=arguments)
    except (NoReverseMatch, AttributeError):  # no admin, or a project without ROOT_URLCONF
        return ""
    words = f"?{urlencode(query)}" if query else ""
    return f"{gateway_settings().SHOP_URL}{path}{words}{f'#{part}' if part else ''}"
