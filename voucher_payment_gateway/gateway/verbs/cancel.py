"""Cancel: end a payment in any state, and refund what was charged."""

from decimal import Decimal
from typing import Any

from voucher_payment_gateway.exceptions import PaymentStateError, VoucherGatewayError, WrongStateError
from voucher_payment_gateway.gateway.operations.side_by_side import Outbox, groups
from voucher_payment_gateway.gateway.records.announce import announce
from voucher_payment_gateway.gateway.records.conflicts import atomic_or_conflict, retry_on_conflict
from voucher_payment_gateway.gateway.records.idempotency import Call
from voucher_payment_gateway.gateway.records.order_view import (
    has_payments,
    number_and_pk,
    read_order,
    refuse_if_open,
)
from voucher_payment_gateway.gateway.records.payments import change_payment
from voucher_payment_gateway.gateway.records.reused_number import refuse_reused_number
from voucher_payment_gateway.gateway.verbs.advance import advance_replacements
from voucher_payment_gateway.gateway.verbs.bound import bound, may_be_refunded, refuse_more
from voucher_payment_gateway.gateway.verbs.cancel_payment import CancelTogether
from voucher_payment_gateway.gateway.verbs.once import as_they_are_now, once
from voucher_payment_gateway.models import VoucherIdempotencyKey, VoucherPayment
from voucher_payment_gateway.money import ZERO
from voucher_payment_gateway.orders import order_created_at
from voucher_payment_gateway.rules.cover import is_unpaid
from voucher_payment_gateway.signals import payment_cancelled
from voucher_payment_gateway.telemetry import verb

__all__ = ["cancel", "end_refunded", "is_ended"]

ENDED = ("cancelled", "refunded", "failed")
"""Nothing is left to release or refund."""


@verb
def cancel(
    order: Any,
    *,
    refund: bool = True,
    at_most: Decimal | str | None = None,
    key: str = "",
    actor: str = "",
    reason: str = "",
) -> list[VoucherPayment]:
    """Cancel the order's payments, or a single payment given in place of the order, in any state.

    Selected or reserved: released, and the code is erased. Charged: refunded in full, and ``cancelled`` once all of it
    is refunded. With an operation in flight: the cancel request is stored, and ``settle`` carries it out once the
    outcome is known. Returns these payments. Nothing is done for an order without vouchers, nor for payments that are
    cancelled, refunded or failed already. A call with a ``key`` is made once per order: repeated later, it leaves alone
    what the customer has entered since.

    With ``refund=False`` what was charged stays: only the rest, held or agreed, is taken off the order. Raises
    OperationInProgressError then while a charge or refund is due, or its outcome is open; nothing is changed.

    ``at_most`` bounds what is refunded, now or once open charges are booked. Raises AmountError (``more_than_allowed``)
    where that is more, as after a capture meanwhile; nothing is refunded then, and with a ``key`` nothing is changed.

    Raises the errors of a refund; the payment then stays ``captured``, and the cancel request is kept. Where charges
    are archived, raises WrongStateError (``archived``) after everything else was done.
    """
    number, pk = number_and_pk(order)
    if pk is None:
        refuse_reused_number(number, order_created_at(order))
    try:
        call = Call("cancel", number, key, None if refund else ZERO)
        may_refund = bound(at_most) if refund else None
    except PaymentStateError:
        if has_payments(number):
            raise
        return []

    archived: list[VoucherGatewayError] = []

    def write(row: VoucherIdempotencyKey | None, outbox: Outbox | None) -> list[VoucherPayment]:
        archived.clear()
        by = {"actor": actor, "reason": reason}
        return _cancel(number, pk, archived, refund=refund, at_most=may_refund, key=row, outbox=outbox, **by)

    payments = once(call, write, pk=pk)
    payments = as_they_are_now(payments) if advance_replacements(number) else payments
    if archived:
        raise archived[0]
    return payments


def _cancel(
    number: str,
    pk: int | None,
    archived: list[VoucherGatewayError],
    *,
    refund: bool,
    at_most: Decimal | None,
    **call: Any,
) -> list[VoucherPayment]:
    """Cancel each payment. ``call``: the key, the outbox, actor and reason. The errors of payments whose charges are
    archived are added to ``archived``: they undo nothing of the others."""
    done: dict[int, VoucherPayment] = {}
    refunded: dict[int, Decimal] = {}
    errors: dict[int, VoucherGatewayError] = {}

    def advance() -> None:
        view = read_order(number)
        left = [payment for payment in view.matching(pk) if payment.pk not in done]
        if not refund:
            refuse_if_open(left)
        left = [payment for payment in left if not is_ended(payment)]
        wanted = {} if at_most is None else may_be_refunded(left)
        for payment in left[:1]:
            refuse_more(payment, sum([*refunded.values(), *wanted.values()], ZERO), at_most)
        with CancelTogether(view, errors, refund=refund, **call) as together:
            for group in groups(left, lambda payment: payment.voucher_id or str(payment.pk)):
                together.read_ahead(group)
                for payment in group:
                    together.cancel(payment, wanted.get(payment.pk))
                    done[payment.pk] = payment
                    refunded[payment.pk] = wanted.get(payment.pk, ZERO)
                together.send()

    retry_on_conflict(advance, progress=lambda: len(done))
    untouched = {pk for pk, error in errors.items() if _is_archived(error)}
    archived += [errors[pk] for pk in done if pk in untouched]
    for pk in [pk for pk in done if pk in errors and pk not in untouched]:
        raise errors[pk]
    if archived and untouched == done.keys():
        raise archived[0]
    return [payment for payment in done.values() if payment.pk not in untouched]


def _is_archived(error: VoucherGatewayError) -> bool:
    return isinstance(error, WrongStateError) and error.code == "archived"


def is_ended(payment: VoucherPayment) -> bool:
    """Return whether nothing is left to cancel. The rest of a refunded payment may still be charged later, and a
    confirmed payment that failed is taken off the order by this."""
    has_more = payment.status == "refunded" and (payment.has_open_operation or bool(payment.sealed_code))
    return payment.status in ENDED and not has_more and not is_unpaid(payment)


def end_refunded(payment: VoucherPayment) -> None:
    """Set a payment with a cancel request to ``cancelled`` after its last cent was refunded."""
    with atomic_or_conflict():
        change_payment(payment, status="cancelled", sealed_code="")
        announce(payment_cancelled, payment, payment.amount_refunded)
