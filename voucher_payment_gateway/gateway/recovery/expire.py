"""Expiry: lapse payments whose reservation expired, and erase codes at the end of their storage time. No HTTP.

A lapsed payment keeps its code for a while, so that the customer, or a late capture, can reserve again. One that was
confirmed counts until its code is erased; only then it has lapsed for good, and that is announced.
"""

from collections import defaultdict
from collections.abc import Iterable
from decimal import Decimal
from typing import Any

from django.db import connections, transaction
from django.db.models import Case, F, OuterRef, Q, QuerySet, Subquery, Value, When
from django.db.models.functions import Coalesce
from django.utils import timezone

from voucher_payment_gateway.gateway.records.announce import announce
from voucher_payment_gateway.gateway.records.conflicts import database
from voucher_payment_gateway.gateway.records.order_view import read_order
from voucher_payment_gateway.gateway.records.payments import ended_fields
from voucher_payment_gateway.log_events import PaymentEvents
from voucher_payment_gateway.models import VoucherOperation, VoucherPayment
from voucher_payment_gateway.money import ZERO
from voucher_payment_gateway.order_lookup import facts_by_number
from voucher_payment_gateway.payable import with_sold
from voucher_payment_gateway.rules.cover import agreed, outlives_hold
from voucher_payment_gateway.rules.states import MONEY_KINDS, OPEN_STATES
from voucher_payment_gateway.signals import payment_lapsed

__all__ = ["erase_codes", "lapse", "locked", "without_open_operation", "without_operation"]

BATCH_SIZE = 500
"""Maximum of payments that lapse, or codes that are erased, in one transaction."""

STATUS = Case(
    When(amount_captured=0, then=Value("lapsed")),
    When(amount_captured=F("amount_refunded"), then=Value("refunded")),
    default=Value("captured"),
)
"""``rules.states.status_without_hold`` as an SQL expression."""

ENDS_WITH_ITS_HOLD = Q(confirmed_at=None) | Q(sealed_code="") | Q(cancel_requested_at__isnull=False)
"""The reverse of ``rules.cover.outlives_hold``, of a payment that is held."""

ENDS_WITH_ITS_CODE = Q(status="selected") | Q(
    confirmed_at__isnull=False, cancel_requested_at=None, amount_agreed__gt=F("amount_captured")
)
"""Payments that until their code is erased have not ended yet."""


def lapse(limit: int) -> int:
    """Mark up to ``limit`` payments with an expired reservation as lapsed, announce each once, and return how many."""
    lapsed, expired = 0, _expired()
    while lapsed < limit and expired.exists():
        found = _lapse_batch(expired, min(limit - lapsed, BATCH_SIZE))
        if not found:  # another worker has them
            break
        lapsed += len(found)
        # rows that have just lapsed stay at the head of the index until they are vacuumed: begin behind them
        expired = _expired().filter(reservation_dead_at__gte=found[-1].reservation_dead_at)
    return lapsed


def erase_codes(limit: int) -> int:
    """Erase up to ``limit`` expired codes, and return how many.

    A payment with a reservation or an open operation keeps its code.
    """
    expired = without_open_operation(
        VoucherPayment.current.filter(code_kept_until__lte=timezone.now())
        .exclude(sealed_code="")
        .exclude(status="authorized")
    )
    erased = 0
    while erased < limit and (found := _erase_batch(expired, min(limit - erased, BATCH_SIZE))):
        erased += found
    return erased


def _erase_batch(expired: QuerySet[VoucherPayment], limit: int) -> int:
    status = Case(When(status="selected", then=Value("lapsed")), default=F("status"))
    with transaction.atomic(using=database()):
        payments = list(locked(expired.order_by("code_kept_until"))[:limit])
        relied_on = [payment for payment in payments if outlives_hold(payment)]
        counted_on = {payment.pk: agreed(payment) for payment in _needed(relied_on)}
        unneeded = [payment for payment in relied_on if payment.pk not in counted_on]
        _rows(unneeded).update(amount_agreed=F("amount_captured"))
        # the conditions first: MySQL computes each value from what stands left of it
        _rows(payments).update(
            **_ended(ENDS_WITH_ITS_CODE), status=status, sealed_code="", updated_at=timezone.now()
        )
        _announce_all((payment, counted_on[payment.pk]) for payment in payments if payment.pk in counted_on)
    return len(payments)


def _needed(relied_on: list[VoucherPayment]) -> list[VoucherPayment]:
    """Return those of which their orders need what is left, as far as that can be known: the older first."""
    needed, by_number = [], defaultdict(list)
    for payment in sorted(relied_on, key=lambda each: each.pk):
        by_number[payment.order_number].append(payment)
    for number, payments in by_number.items():
        left = _due_without(number, {payment.pk for payment in payments})
        for payment in payments:
            if left is None or left > ZERO:
                needed.append(payment)
            left = None if left is None else left - agreed(payment)
    return needed


def _due_without(number: str, left_out: set[int]) -> Decimal | None:
    """Return what the order needs besides these payments; None where it cannot be read."""
    try:
        found = facts_by_number(number)
        facts = found and with_sold(found)
    except Exception as error:  # of the shop's own code: the codes of other orders must be erased in time
        PaymentEvents.order_unreadable.log(order_number=number, exception=type(error).__name__)
        return None
    view = read_order(number)
    payments = [payment for payment in view.payments if payment.pk in left_out]
    return view.due(facts.payable, without=payments) if facts else None


def _lapse_batch(expired: QuerySet[VoucherPayment], limit: int) -> list[VoucherPayment]:
    with transaction.atomic(using=database()):
        payments = list(locked(expired)[:limit])
        _rows(payments).update(
            **_ended(ENDS_WITH_ITS_HOLD),
            status=STATUS,
            amount_authorized=ZERO,
            reserved_until=None,
            updated_at=timezone.now(),
        )
        # K22: expired holds are written as lapsed, not committed
        _announce_all(
            (payment, payment.amount_authorized) for payment in payments if not outlives_hold(payment)
        )
    return payments


def _rows(payments: list[VoucherPayment]) -> QuerySet[VoucherPayment]:
    return VoucherPayment.current.filter(pk__in=[payment.pk for payment in payments])


def _ended(condition: Q) -> dict[str, Case]:
    """Return the fields that say when and why a payment lapsed for good, where ``condition`` holds."""
    return {
        name: Case(When(condition, then=Value(value)), default=F(name))
        for name, value in ended_fields("expired").items()
    }


def _expired() -> QuerySet[VoucherPayment]:
    authorized = VoucherPayment.current.filter(status="authorized", reservation_dead_at__lte=timezone.now())
    return without_open_operation(authorized).order_by("reservation_dead_at", "pk")


def without_open_operation(payments: QuerySet[VoucherPayment]) -> QuerySet[VoucherPayment]:
    """Exclude payments with an open operation that books, or a charge in review."""
    undecided = Q(kind__in=MONEY_KINDS, state__in=OPEN_STATES) | Q(kind="charge", state="manual")
    return without_operation(payments, undecided)


def without_operation(payments: QuerySet[VoucherPayment], condition: Q) -> QuerySet[VoucherPayment]:
    """Exclude payments with an operation that meets ``condition``.

    Not by ``Exists``: PostgreSQL turns it into a join, which scans the whole ledger where it expects many payments.
    Not by ``IS NULL``: PostgreSQL estimates it at 0.5 % selectivity, which leads to a bad plan.
    """
    operations = VoucherOperation.objects.filter(condition, payment=OuterRef("pk")).order_by()
    one = Subquery(operations.values(found=Value(True))[:1])
    return payments.alias(has_one=Coalesce(one, Value(False))).filter(has_one=False)


def locked(payments: QuerySet[Any]) -> QuerySet[Any]:
    """Lock the rows against other workers until the end of the transaction; those that are locked already are left
    out."""
    features = connections[database()].features
    if features.has_select_for_update:
        return payments.select_for_update(skip_locked=features.has_select_for_update_skip_locked)
    # SQLite has no row locks: an update of no rows takes its write lock, which excludes every other writer.
    payments.model.objects.using(database()).filter(pk=0).update(updated_at=F("updated_at"))
    return payments


def _announce_all(lapsed: Iterable[tuple[VoucherPayment, Decimal]]) -> None:
    for payment, amount in lapsed:
        announce(payment_lapsed, payment, amount)
