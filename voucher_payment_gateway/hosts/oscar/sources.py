"""Oscar's records of what gift vouchers pay: for each a ``Source``, with a ``Transaction`` for each step.

``Source.reference`` is the id of the reservation that holds the voucher now or held it last. A transaction is
``Authorise``, ``Debit``, ``Refund`` or, where less is held than before, ``Void``.
"""

from datetime import datetime
from decimal import Decimal
from typing import Any

from django.db import router, transaction
from django.db.models import F
from oscar.core.loading import get_model

from voucher_payment_gateway import signals
from voucher_payment_gateway.hosts.oscar.conf import oscar_settings
from voucher_payment_gateway.models import VoucherOperation, VoucherPayment
from voucher_payment_gateway.money import ZERO
from voucher_payment_gateway.rules.cover import outstanding
from voucher_payment_gateway.rules.states import GIVES_BACK

__all__ = ["connect", "record", "record_all", "source_type"]

FOLLOWED = (
    signals.payment_authorized,
    signals.payment_captured,
    signals.payment_refunded,
    signals.payment_cancelled,
    signals.payment_lapsed,
    signals.payment_failed,
    signals.payment_needs_review,
)

MAX_REFERENCE_LENGTH = 128


def connect() -> None:
    """Follow the gateway: what ``settle`` finds later is recorded too."""
    for signal in FOLLOWED:
        signal.connect(_follow, dispatch_uid="voucher_payment_gateway.hosts.oscar.sources")


def _follow(sender: object, order_number: str, **_: object) -> None:
    record(order_number)


def source_type() -> Any:
    """Return Oscar's source type of gift vouchers."""
    found, _ = get_model("payment", "SourceType").objects.get_or_create(name=oscar_settings().SOURCE_TYPE)
    return found


def record(order_number: Any) -> bool:
    """Bring Oscar's records of the order in step with the gateway's, and return whether that changed any: however often
    it is called, each step is written once. Nothing is done before the order is placed."""
    orders = get_model("order", "Order")._default_manager.filter(number=str(order_number))
    with transaction.atomic(using=router.db_for_write(orders.model)):
        if not orders.update(number=F("number")):  # locks the row on every database, before anything is read
            return False
        order = orders.using(router.db_for_write(orders.model)).get()
        payments = VoucherPayment.current.with_open_charge().filter(order_number=str(order_number))
        changed = [_record(order, payment) for payment in payments.order_by("pk")]
        return any(changed)


def record_all(since: datetime) -> int:
    """Bring the records of all orders in step whose vouchers changed ``since`` then, and return of how many: a process
    that was killed after money had moved left theirs behind."""
    changed = VoucherPayment.current.filter(updated_at__gte=since).order_by()
    numbers = changed.values_list("order_number", flat=True).distinct()
    return sum(map(record, sorted(numbers)))


def _record(order: Any, payment: VoucherPayment) -> bool:
    """Return whether the source of the payment was changed."""
    operations = list(VoucherOperation.current.filter(payment=payment, state="succeeded").order_by("pk"))
    allocated = payment.amount_captured + outstanding(payment)
    source = _source_of(order, payment, operations)
    if source is None:
        if allocated == ZERO:  # entered and taken off again before the order was placed
            return False
        source = _new_source(order, payment)
    before = _columns(source)
    _allocate(source, payment, allocated)
    charges = [each for each in operations if each.kind == "charge"]
    given_back = [each for each in operations if each.kind in GIVES_BACK]
    source.amount_debited += _write(source, "Debit", charges, payment.amount_captured - source.amount_debited)
    source.amount_refunded += _write(
        source, "Refund", given_back, payment.amount_refunded - source.amount_refunded
    )
    source.reference = payment.reservation_id or source.reference
    source.save()
    return _columns(source) != before


def _columns(source: Any) -> tuple[Any, ...]:
    return source.amount_allocated, source.amount_debited, source.amount_refunded, source.reference


def _source_of(order: Any, payment: VoucherPayment, operations: list[VoucherOperation]) -> Any:
    """Return the source of a payment: it bears one of its reservation ids."""
    ids = {each.remote_id for each in operations if each.kind == "reserve"} | {payment.reservation_id}
    return order.sources.filter(source_type=source_type(), reference__in=ids - {""}).first()


def _new_source(order: Any, payment: VoucherPayment) -> Any:
    return order.sources.create(
        source_type=source_type(),
        currency=payment.currency,
        reference=payment.reservation_id,
        label=f"…{payment.code_hint}",
    )


def _allocate(source: Any, payment: VoucherPayment, allocated: Decimal) -> None:
    """Oscar's own ``Source`` cannot lower what it has allocated."""
    more = allocated - source.amount_allocated
    if more:
        kind = "Authorise" if more > ZERO else "Void"
        _add(source, kind, abs(more), payment.reservation_id)
        source.amount_allocated = allocated


def _write(source: Any, kind: str, operations: list[VoucherOperation], missing: Decimal) -> Decimal:
    """Write what is missing of ``kind``, each booking by its id, and return the sum. What no operation of the payment
    explains, such as a new voucher in place of a refund, is one step without an id."""
    known = set(source.transactions.filter(txn_type=kind).values_list("reference", flat=True))
    left = missing
    for operation in operations:
        reference = operation.remote_id[:MAX_REFERENCE_LENGTH]
        if reference not in known and operation.amount <= left:
            _add(source, kind, operation.amount, reference)
            left -= operation.amount
    if left > ZERO:
        _add(source, kind, left, "")
    return max(missing, ZERO)


def _add(source: Any, kind: str, amount: Decimal, reference: str) -> None:
    source.transactions.create(
        txn_type=kind, amount=amount, reference=reference[:MAX_REFERENCE_LENGTH], status="succeeded"
    )
