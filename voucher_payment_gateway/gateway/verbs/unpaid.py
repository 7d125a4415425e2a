"""An order never ships unpaid in silence: what is raised or reported of a payment that was relied on and has ended."""

from typing import Any

from voucher_payment_gateway.currencies import with_code
from voucher_payment_gateway.exceptions import WrongStateError
from voucher_payment_gateway.gateway.operations.reservation import fail_payment
from voucher_payment_gateway.gateway.records.conflicts import retry_on_conflict
from voucher_payment_gateway.gateway.records.order_view import OrderView, number_and_pk, read_order
from voucher_payment_gateway.models import VoucherPayment
from voucher_payment_gateway.money import ZERO
from voucher_payment_gateway.orders import OrderFacts
from voucher_payment_gateway.rules.cover import is_unpaid

__all__ = ["refuse_if_unpaid", "report_unpaid"]


def refuse_if_unpaid(view: OrderView, payments: list[VoucherPayment], facts: OrderFacts | None) -> None:
    """Raise WrongStateError (``not_paid``) where one of the payments was confirmed and ended without having been
    captured, and the order still needs its amount. Otherwise it would ship unpaid, in silence."""
    unpaid = [payment for payment in payments if is_unpaid(payment)]
    due = view.due(facts.payable) if facts else None
    if not unpaid or due == ZERO:
        return
    payment = unpaid[0]
    promised = with_code(payment.amount_agreed - payment.amount_captured, payment.currency)
    raise WrongStateError(
        f"order {payment.order_number} is not paid: {promised} agreed with the gift voucher …{payment.code_hint} "
        f"cannot be charged any more ({payment.status}). Once it is paid another way, take it off: "
        "gateway.cancel(payment, refund=False). Nothing was sent.",
        code="not_paid",
    )


def report_unpaid(order: Any) -> None:
    """Send ``payment_failed`` once for each confirmed payment of the order that lapsed without having been captured in
    full: for an order that ships although nothing can be raised any more. One without a charge is ``failed`` then."""
    number, _ = number_and_pk(order)

    def fail_lapsed() -> None:
        for payment in read_order(number).payments:
            if payment.status != "failed" and payment.end_reason != "refused" and is_unpaid(payment):
                fail_payment(payment, payment.amount_agreed - payment.amount_captured)

    retry_on_conflict(fail_lapsed)
