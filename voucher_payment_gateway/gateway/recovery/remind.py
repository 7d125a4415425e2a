"""Remind the recipients of sold vouchers, some days before these expire: once, and only of what is left.

A reminder is leased in ``deliver_due_at``, which a delivered sale needs no more, and noted in ``reminded_at``: only a
crash between the two may repeat it.
"""

from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from django.db.models import Q, QuerySet
from django.utils import timezone

from voucher_payment_gateway.api import Voucher
from voucher_payment_gateway.conf import gateway_settings
from voucher_payment_gateway.delivery.mail import send_reminder
from voucher_payment_gateway.exceptions import VoucherGatewayError
from voucher_payment_gateway.gateway.records.sales import change_sale, note_sale
from voucher_payment_gateway.gateway.records.vouchers import voucher_of
from voucher_payment_gateway.gateway.verbs.hand_over import LEASE
from voucher_payment_gateway.log_events import SaleEvents
from voucher_payment_gateway.models import VoucherSale
from voucher_payment_gateway.money import ZERO
from voucher_payment_gateway.rules.timing import next_attempt_at

__all__ = ["due_reminders", "remind"]

JUST_EXPIRED = timedelta(days=7)

NEXT_READ = timedelta(days=1)
"""When a voucher that is spent or inactive is read again: a refund may have filled it up meanwhile."""


def due_reminders(limit: int) -> QuerySet[Any]:
    """Return the delivered sales that expire within ``REMIND_DAYS`` and were not reminded of; none where that is 0."""
    days, now = gateway_settings().REMIND_DAYS, timezone.now()
    if not days:
        return VoucherSale.current.none()
    sent = VoucherSale.current.filter(status="active", target="active", delivery="mail", reminded_at=None)
    sent = sent.filter(delivered_at__isnull=False).exclude(recipient_email="")
    _forget_expired(sent, now)
    expiring = sent.filter(valid_until__gt=now, valid_until__lte=now + timedelta(days=days))
    return expiring.filter(_is_due(now)).order_by("valid_until", "pk")[:limit]


def remind(sale: VoucherSale) -> bool:
    """Read what is left on the voucher, and send the reminder; return whether that was done. What fails is logged and
    tried again."""
    began = timezone.now()
    change_sale(sale, deliver_due_at=began + LEASE)
    # K25: leased, the reminder not sent
    try:
        voucher = voucher_of(sale.voucher_id, sale.account)
    except VoucherGatewayError as error:
        return _try_again(sale, error.code, began)
    balance = _balance(voucher)
    if voucher is None or balance <= ZERO:
        change_sale(sale, deliver_due_at=began + NEXT_READ)
        return False
    if voucher.valid_until != sale.valid_until:  # it was changed at the Voucher Cloud
        change_sale(sale, valid_until=voucher.valid_until)
    if not _expires_soon(sale, began):
        change_sale(sale, deliver_due_at=None)
        return False
    try:
        send_reminder(sale, balance)
    except Exception as error:  # whatever a mail server, or a template of the shop, may raise
        return _try_again(sale, type(error).__name__, began)
    # K26: the reminder is sent, not noted
    note_sale(sale, reminded_at=timezone.now(), deliver_due_at=None)
    return True


def _balance(voucher: Voucher | None) -> Decimal:
    """Return what can be spent; of an inactive or deleted voucher nothing."""
    if voucher is None or voucher.status != "active":
        return ZERO
    return voucher.remaining_amount or ZERO


def _expires_soon(sale: VoucherSale, now: datetime) -> bool:
    until, days = sale.valid_until, gateway_settings().REMIND_DAYS
    return until is not None and now < until <= now + timedelta(days=days)


def _is_due(now: datetime) -> Q:
    return Q(deliver_due_at=None) | Q(deliver_due_at__lte=now)


def _forget_expired(sent: QuerySet[Any], now: datetime) -> None:
    """Empty the next attempt of vouchers that have just expired: nothing is tried any more. Older ones are not looked
    through at every run."""
    just_expired = sent.filter(valid_until__lte=now, valid_until__gt=now - JUST_EXPIRED)
    just_expired.filter(deliver_due_at__isnull=False).update(deliver_due_at=None)


def _try_again(sale: VoucherSale, reason: str, began: datetime) -> bool:
    SaleEvents.reminder_not_sent.log(order_number=sale.order_number, sale=sale.pk, problem=reason)
    window_began = (sale.valid_until or began) - timedelta(days=gateway_settings().REMIND_DAYS)
    change_sale(sale, deliver_due_at=next_attempt_at(began, window_began))
    return False
