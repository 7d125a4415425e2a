"""Hand the code of a sold voucher over, once: by mail, by the signal ``voucher_activated``, or on a page.

The delivery is leased before it is made and noted after it, so only a crash between the two may deliver it twice. One
that fails is tried again, and shown in the admin.
"""

import logging
from datetime import datetime, timedelta
from typing import Any

from django.utils import timezone

from voucher_payment_gateway.delivery.mail import send_voucher
from voucher_payment_gateway.gateway.records.announce import send_all
from voucher_payment_gateway.gateway.records.conflicts import ConflictError
from voucher_payment_gateway.gateway.records.sales import change_sale
from voucher_payment_gateway.models import VoucherSale
from voucher_payment_gateway.opaque import strip_traceback
from voucher_payment_gateway.rules.timing import next_attempt_at
from voucher_payment_gateway.sealing import Secret, unseal
from voucher_payment_gateway.signals import voucher_activated

__all__ = ["hand_over", "is_due_for_delivery"]

logger = logging.getLogger("voucher_payment_gateway")

LEASE = timedelta(minutes=5)
"""How long a worker has for one delivery, before another one tries it."""


def is_due_for_delivery(sale: VoucherSale) -> bool:
    """Return whether the code is to be handed over now: not that of a voucher that is being taken back."""
    is_wanted = sale.status == "active" and sale.target == "active"
    return is_wanted and sale.deliver_due_at is not None and sale.deliver_due_at <= timezone.now()


def hand_over(sale: VoucherSale) -> bool:
    """Hand the code over, and erase it; return whether that was done. A failure is logged and tried again later."""
    began = timezone.now()
    try:
        change_sale(sale, deliver_due_at=began + LEASE, delivery_attempts=sale.delivery_attempts + 1)
    except ConflictError:
        return False  # another worker was first
    # K22: leased, the code not handed over
    secret = unseal(sale.sealed_code)
    if secret is None:
        return _note_failure(sale, "code_unreadable", began)
    try:
        if not _deliver(sale, secret):
            return _note_failure(sale, "receiver_failed", began)
    except Exception as error:  # whatever a mail server, or a template of the shop, may raise
        return _note_failure(sale, type(error).__name__, began)
    # K23: handed over, not noted
    _note_delivery(sale)
    return True


@strip_traceback
def _deliver(sale: VoucherSale, secret: Secret) -> bool:
    if sale.delivery == "mail":
        send_voucher(sale, secret)
        return True
    code: dict[str, Any] = {"code": secret.code.reveal(), "pin": secret.pin.reveal()}
    facts = {"sale": sale, "order_number": sale.order_number, "amount": sale.amount}
    return send_all(voucher_activated, VoucherSale, **facts, **code)


def _note_delivery(sale: VoucherSale) -> None:
    noted = {"delivered_at": timezone.now(), "deliver_due_at": None, "delivery_error": "", "sealed_code": ""}
    while True:
        try:
            return change_sale(sale, **noted)
        except ConflictError:  # the shop changed what it wants meanwhile: the delivery is a fact all the same
            sale.refresh_from_db()


def _note_failure(sale: VoucherSale, reason: str, began: datetime) -> bool:
    logger.error("order %s: the code of a sold gift voucher was not delivered: %s", sale.order_number, reason)
    since = sale.activated_at or began
    try:
        change_sale(sale, delivery_error=reason[:100], deliver_due_at=next_attempt_at(timezone.now(), since))
    except ConflictError:
        sale.refresh_from_db()  # its lease ends by itself
    return False
