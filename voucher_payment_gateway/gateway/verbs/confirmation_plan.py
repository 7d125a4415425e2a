"""The payments of an order that is confirmed: which are to be reserved, which have ended, and what is agreed."""

from decimal import Decimal

from django.utils import timezone

from voucher_payment_gateway.exceptions import ReservationClosedError, VoucherGatewayError
from voucher_payment_gateway.gateway.holds.competing import mark_lapsed
from voucher_payment_gateway.gateway.records.order_view import OrderView
from voucher_payment_gateway.gateway.records.payments import is_usable_now
from voucher_payment_gateway.models import VoucherPayment
from voucher_payment_gateway.money import ZERO
from voucher_payment_gateway.rules.states import HELD_BEFORE
from voucher_payment_gateway.rules.timing import ends_soon

__all__ = ["agreed_in_flight", "lapse_what_ended", "needing_hold", "unconfirmed"]


def needing_hold(view: OrderView, total: Decimal) -> list[VoucherPayment]:
    """Return the payments to be reserved: for the first time, again, or for another amount."""
    due, needed = view.due(total), view.due(total, without=view.payments)
    held = sum((payment.amount_authorized for payment in view.payments), ZERO)

    def is_wanting(payment: VoucherPayment) -> bool:
        if payment.cancel_requested_at is not None:
            return False
        if payment.status == "selected" or not is_usable_now(payment):
            return payment.status == "selected" or (
                payment.status in HELD_BEFORE and bool(payment.sealed_code)
            )
        changed = held > needed or (due > ZERO and payment.may_hold_more)
        may_change = bool(payment.sealed_code) and not payment.has_open_operation
        return may_change and (changed or ends_soon(payment.reserved_until, timezone.now()))

    return [payment for payment in view.payments if is_wanting(payment)]


def unconfirmed(view: OrderView) -> list[VoucherPayment]:
    """Return the payments that are held and not confirmed yet."""
    return [
        payment
        for payment in view.payments
        if payment.status == "authorized" and not payment.confirmed_at and not payment.cancel_requested_at
    ]


def agreed_in_flight(view: OrderView, total: Decimal) -> dict[int, Decimal]:
    """Return what is agreed for payments with a charge in flight, whose reservation cannot be made smaller now: what is
    in flight, and no more of the rest than the order needs."""
    charging = [payment for payment in unconfirmed(view) if payment.has_open_operation]
    left, agreed_to = view.due(total, without=charging), {}
    for payment in charging:
        rest = min(payment.amount_chargeable - payment.open_charge, left)
        agreed_to[payment.pk] = payment.amount_captured + payment.open_charge + rest
        left -= rest
    return agreed_to


def lapse_what_ended(view: OrderView) -> list[VoucherGatewayError]:
    """Record that unconfirmed reservations have ended which cannot be made again, since no code is stored; return an
    error for each: the customer must enter the code again, or pay its amount another way."""
    ended = [
        payment
        for payment in unconfirmed(view)
        if not (payment.sealed_code or payment.has_open_operation or is_usable_now(payment))
    ]
    for payment in ended:
        mark_lapsed(payment)
    return [
        ReservationClosedError(
            f"order {view.order_number}: the gift voucher …{payment.code_hint} is no longer held, and its code is not "
            "stored; the customer must enter it again. No money moved."
        )
        for payment in ended
    ]
