"""Renew reservations before they end, for shops that charge later than their 30 minutes.

A confirmed payment whose reservation has ended all the same, as in an outage, is held again. Not where another order
holds the voucher: several orders on one voucher would replace each other's reservations for ever.
"""

from decimal import Decimal

from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils import timezone

from voucher_payment_gateway.conf import gateway_settings
from voucher_payment_gateway.exceptions import RefusedError
from voucher_payment_gateway.gateway.operations.reservation import fail_payment, renew
from voucher_payment_gateway.gateway.records.order_view import OrderView, read_order
from voucher_payment_gateway.gateway.recovery.expire import without_open_operation
from voucher_payment_gateway.models import VoucherPayment
from voucher_payment_gateway.money import ZERO
from voucher_payment_gateway.order_lookup import facts_by_number
from voucher_payment_gateway.payable import with_sold
from voucher_payment_gateway.rules.cover import agreed
from voucher_payment_gateway.rules.states import HELD_BEFORE
from voucher_payment_gateway.rules.timing import has_ended, next_renewal_at

__all__ = ["ending_holds", "keep_alive", "put_off"]


def ending_holds() -> QuerySet[VoucherPayment]:
    """Return the payments that are due to be held again, the longest due first; none without ``RENEW_HOLDS``."""
    return _renewable().filter(renew_at__lte=timezone.now()).order_by("renew_at", "pk")


def _renewable() -> QuerySet[VoucherPayment]:
    """Return the payments that may be held again, whenever they are due."""
    now = timezone.now()
    payments = VoucherPayment.current
    if not gateway_settings().RENEW_HOLDS:
        return payments.none()
    held = Q(status="authorized", reserved_until__isnull=False, reservation_dead_at__gt=now)
    elsewhere = VoucherPayment.objects.filter(
        status="authorized", voucher_id=OuterRef("voucher_id"), account=OuterRef("account")
    )
    counted_on = Q(status="lapsed", confirmed_at__isnull=False) & ~Exists(elsewhere)
    ending = payments.filter(
        held | counted_on,
        status__in=HELD_BEFORE,  # the condition of the index
        code_kept_until__gt=now,
        cancel_requested_at=None,
    ).exclude(sealed_code="")
    return without_open_operation(ending)


def keep_alive(payment: VoucherPayment) -> bool:
    """Reserve the same amount again for a payment that was put off, if it is still wanted: not what would pay for gift
    vouchers that the order sells.

    If that is refused, the old reservation ends in time. Once it has ended, a refusal proves of a confirmed payment
    that it cannot be captured any more: it fails, and ``payment_failed`` is sent.
    """
    view = read_order(payment.order_number)
    current = _renewable().filter(pk=payment.pk, reservation_id=payment.reservation_id).first()
    amount = max(current.amount_authorized, agreed(current)) if current else ZERO
    if current is None or amount == ZERO:
        return False  # captured, cancelled or reserved again since it was put off
    amount = min(amount, _payable(view, current, amount))
    if amount == ZERO:
        return False
    try:
        renew(current, amount, view.next_number)
    except RefusedError:
        if current.confirmed_at and has_ended(current.reserved_until, timezone.now()):
            fail_payment(current, amount)
        raise
    return True


def _payable(view: OrderView, payment: VoucherPayment, amount: Decimal) -> Decimal:
    """Return what of ``amount`` the order may take of this voucher: all, but for an order that sells gift vouchers."""
    if not gateway_settings().SOLD_VOUCHERS:
        return amount
    facts = facts_by_number(view.order_number)
    facts = facts and with_sold(facts)
    if facts is None or not facts.sold:
        return amount
    return view.due(facts.payable, without=view.matching(payment.pk))


def put_off(payment: VoucherPayment) -> bool:
    """Put the next attempt off, before this one may fail: payments whose renewal always fails do not delay others.

    Return whether no other worker was first.
    """
    now = timezone.now()
    next_renewal = next_renewal_at(now, payment.reserved_until or payment.reservation_dead_at or now)
    as_read = VoucherPayment.current.filter(
        pk=payment.pk, reservation_id=payment.reservation_id, renew_at=payment.renew_at
    )
    return bool(as_read.update(renew_at=next_renewal) == 1)
