"""What time alone ends: reservations that are dead, and codes that are kept no longer. No HTTP.

A payment that lapsed keeps its code for a while, so that the customer, or a late capture, can have it held again.
"""

from decimal import Decimal

from django.db import connections, transaction
from django.db.models import Case, F, OuterRef, Q, QuerySet, Subquery, Value, When
from django.db.models.functions import Coalesce
from django.utils import timezone

from voucher_payment_gateway.gateway.records.announce import announce
from voucher_payment_gateway.gateway.records.conflicts import database
from voucher_payment_gateway.models import VoucherOperation, VoucherPayment
from voucher_payment_gateway.money import ZERO
from voucher_payment_gateway.rules.states import MONEY_KINDS, OPEN_STATES
from voucher_payment_gateway.signals import payment_lapsed

__all__ = ["erase_codes", "lapse", "without_open_operation", "without_operation"]

BATCH_SIZE = 500
"""So many payments lapse in one transaction, and so many codes are erased."""

STATUS = Case(
    When(amount_captured=0, then=Value("lapsed")),
    When(amount_captured=F("amount_refunded"), then=Value("refunded")),
    default=Value("captured"),
)
"""``rules.states.status_without_hold``, told to the database."""


def lapse(limit: int) -> int:
    """Write down of up to ``limit`` payments that nothing is held for them any more, tell the shop of each once, and
    return how many there were."""
    lapsed, dead = 0, _expired()
    while lapsed < limit and dead.exists():
        found = _lapse_batch(dead, min(limit - lapsed, BATCH_SIZE))
        if not found:  # another worker has them
            break
        lapsed += len(found)
        # what has just lapsed is not walked through again: until it is vacuumed, it stands at the head of the index
        dead = _expired().filter(reservation_dead_at__gte=found[-1].reservation_dead_at)
    return lapsed


def erase_codes(limit: int) -> int:
    """Erase up to ``limit`` codes whose time is over, and return how many there were.

    The code of a payment that holds something stays, and so does that of one with an open operation.
    """
    over = without_open_operation(
        VoucherPayment.current.filter(code_kept_until__lte=timezone.now())
        .exclude(sealed_code="")
        .exclude(status="authorized")
    )
    erased = 0
    while erased < limit and (found := _erase_batch(over, min(limit - erased, BATCH_SIZE))):
        erased += found
    return erased


def _erase_batch(over: QuerySet[VoucherPayment], limit: int) -> int:
    ended = Case(When(status="selected", then=Value("lapsed")), default=F("status"))
    pks = list(over.order_by("code_kept_until").values_list("pk", flat=True)[:limit])
    return over.filter(pk__in=pks).update(sealed_code="", status=ended, updated_at=timezone.now())


def _lapse_batch(dead: QuerySet[VoucherPayment], limit: int) -> list[VoucherPayment]:
    with transaction.atomic(using=database()):
        payments = list(_locked(dead)[:limit])
        rows = VoucherPayment.current.filter(pk__in=[payment.pk for payment in payments])
        rows.update(status=STATUS, amount_authorized=ZERO, reserved_until=None, updated_at=timezone.now())
        # K22: dead holds are written down as lapsed, not committed
        _announce_all(payments)
    return payments


def _expired() -> QuerySet[VoucherPayment]:
    authorized = VoucherPayment.current.filter(status="authorized", reservation_dead_at__lte=timezone.now())
    return without_open_operation(authorized).order_by("reservation_dead_at", "pk")


def without_open_operation(payments: QuerySet[VoucherPayment]) -> QuerySet[VoucherPayment]:
    """Leave out the payments whose charge is under way, or left to a person."""
    undecided = Q(kind__in=MONEY_KINDS, state__in=OPEN_STATES) | Q(kind="charge", state="manual")
    return without_operation(payments, undecided)


def without_operation(payments: QuerySet[VoucherPayment], which: Q) -> QuerySet[VoucherPayment]:
    """Leave out the payments with such an operation.

    Not by ``Exists``: PostgreSQL makes a join of it, and reads the whole ledger where it expects many payments. Not
    by ``IS NULL``: it takes that for true of one payment in two hundred.
    """
    operations = VoucherOperation.objects.filter(which, payment=OuterRef("pk")).order_by()
    one = Subquery(operations.values(found=Value(True))[:1])
    return payments.alias(has_one=Coalesce(one, Value(False))).filter(has_one=False)


def _locked(payments: QuerySet[VoucherPayment]) -> QuerySet[VoucherPayment]:
    """Keep other workers away from the rows until the end of the transaction."""
    features = connections[database()].features
    if features.has_select_for_update:
        return payments.select_for_update(skip_locked=features.has_select_for_update_skip_locked)
    # SQLite has no locks on rows; a first write, of nothing, keeps every other writer away.
    payments.model.objects.using(database()).filter(pk=0).update(updated_at=F("updated_at"))
    return payments


def _announce_all(payments: list[VoucherPayment]) -> None:
    for payment in payments:
        held: Decimal = payment.amount_authorized
        announce(payment_lapsed, payment, held)
