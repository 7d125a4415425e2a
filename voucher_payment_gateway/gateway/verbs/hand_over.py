"""Hand the code of a sold voucher over, once: by mail, or by the signal ``voucher_activated``. On a page the visitor
takes it, and confirms that: ``confirm_seen``.

The delivery is leased before it is made and noted after it, so only a crash between the two may deliver it twice. One
that fails is tried again, and shown in the admin.
"""

from datetime import datetime, timedelta
from time import monotonic
from typing import Any

from django.utils import timezone

from voucher_payment_gateway.delivery.mail import send_voucher
from voucher_payment_gateway.exceptions import ContractError, CredentialsError, UnavailableError
from voucher_payment_gateway.gateway.records.announce import announce_sale, send_all
from voucher_payment_gateway.gateway.records.conflicts import ConflictError
from voucher_payment_gateway.gateway.records.sales import change_sale, delivered_fields, note_sale
from voucher_payment_gateway.gateway.records.vouchers import voucher_of
from voucher_payment_gateway.log_events import SaleEvents
from voucher_payment_gateway.models import VoucherSale
from voucher_payment_gateway.opaque import HiddenText, strip_traceback
from voucher_payment_gateway.rules.timing import next_attempt_at
from voucher_payment_gateway.rules.voucher_status import why_not_valid
from voucher_payment_gateway.sealing import Secret, unseal
from voucher_payment_gateway.short_memory import recall, remember
from voucher_payment_gateway.signals import voucher_activated, voucher_needs_review

__all__ = [
    "LEASE",
    "NotDeliveredError",
    "confirm_seen",
    "deliver_now",
    "hand_over",
    "hand_over_leased",
    "is_due_for_delivery",
    "is_slow",
    "lease_delivery",
]

LEASE = timedelta(minutes=5)
"""How long a worker has for one delivery, before another one tries it."""

SLOW, SLOW_SECONDS, SLOW_FOR_SECONDS = "delivery.slow", 5.0, 300

JUST_ACTIVATED = timedelta(minutes=1)
"""How long after its activation a voucher counts as what the answer has said."""

NOT_READABLE = (UnavailableError, CredentialsError, ContractError)

SENT_BY_US = ("mail", "signal")


class NotDeliveredError(Exception):
    """There was no one to take the code, or not every receiver took it; the text says which, in one word."""


def is_due_for_delivery(sale: VoucherSale) -> bool:
    """Return whether the code is to be handed over now: not that of a voucher that is being taken back."""
    is_active = sale.status == sale.target == "active"
    due_at = sale.deliver_due_at if is_active and sale.delivered_at is None else None
    return due_at is not None and due_at <= timezone.now()


def is_slow() -> bool:
    """Return whether a delivery failed slowly some minutes ago: whoever waits for a verb should not wait for the next
    one, too. ``settle`` tries it."""
    return recall(SLOW) is not None


def hand_over(sale: VoucherSale) -> bool:
    """Hand the code over, and erase it; return whether that was done. A failure is logged and tried again later."""
    return lease_delivery(sale) and hand_over_leased(sale)


def lease_delivery(sale: VoucherSale) -> bool:
    """Lease the delivery of a sale if it is due; return whether no other worker was first."""
    if not is_due_for_delivery(sale) or sale.delivery not in SENT_BY_US:
        return False
    try:
        change_sale(sale, deliver_due_at=timezone.now() + LEASE, delivery_attempts=sale.delivery_attempts + 1)
    except ConflictError:
        return False
    return True


def hand_over_leased(sale: VoucherSale) -> bool:
    """Hand the code over of a sale whose delivery this worker has leased; as ``hand_over``."""
    began, began_at = monotonic(), timezone.now()
    # K23: leased, the code not handed over
    try:
        if reason := _why_not_valid(sale, began_at):
            return _note_not_valid(sale, reason, began_at)
    except NOT_READABLE as error:
        return _note_failure(sale, error.code, began_at)
    secret = unseal(sale.sealed_code)
    if secret is None:
        return _note_failure(sale, "code_unreadable", began_at)
    try:
        deliver_now(sale, secret)
    except NotDeliveredError as error:
        return _note_failure(sale, str(error), began_at)
    except Exception as error:  # whatever a mail server, or a template of the shop, may raise
        if monotonic() - began > SLOW_SECONDS:
            remember(SLOW, "1", SLOW_FOR_SECONDS)
        return _note_failure(sale, type(error).__name__, began_at)
    # K24: handed over, not noted
    _note_delivery(sale)
    return True


def _why_not_valid(sale: VoucherSale, now: datetime) -> str:
    """Return why the code must not be handed over, in one word, or "". A voucher that was activated just now is not
    looked at again; of any other its validity is read, since an operator may have changed it at the Voucher Cloud.

    Raises an error of ``NOT_READABLE`` where it cannot be read.
    """
    status: str = "active"
    if sale.activated_at is None or now - sale.activated_at > JUST_ACTIVATED:
        voucher = voucher_of(sale.voucher_id, sale.account)
        if voucher is None:
            return "voucher_gone"
        status = voucher.status
        if status == "active" and voucher.valid_until != sale.valid_until:
            note_sale(sale, valid_until=voucher.valid_until)
    reason = why_not_valid(status, sale.valid_until, now)
    return f"voucher_{reason}" if reason else ""


@strip_traceback
def deliver_now(sale: VoucherSale, secret: Secret, *, occasion: str = "voucher") -> None:
    """Send the mail or the signal. Raises NotDeliveredError where there is no recipient or receiver, or not every one
    took the code, and whatever the mail raises."""
    if sale.delivery == "mail":
        if not sale.recipient_email:
            raise NotDeliveredError("no_recipient")
        send_voucher(sale, secret, occasion=occasion)
        return
    if not voucher_activated.has_listeners(VoucherSale):
        raise NotDeliveredError("no_receiver")
    code: dict[str, Any] = {
        "code": HiddenText(secret.code.reveal()),
        "pin": HiddenText(secret.pin.reveal()),
    }
    facts = {"sale": sale, "order_number": sale.order_number, "amount": sale.amount}
    if not send_all(voucher_activated, VoucherSale, **facts, **code):
        raise NotDeliveredError("receiver_failed")


def confirm_seen(sale: VoucherSale) -> bool:
    """Note that the visitor has seen the code on its page and saved it, and erase it; return false where there was
    nothing to confirm. Safe to repeat."""
    while sale.delivery == "page" and sale.status == "active" and sale.delivered_at is None:
        try:
            change_sale(sale, **delivered_fields())
        except ConflictError:
            sale.refresh_from_db()
        else:
            return True
    return False


def _note_delivery(sale: VoucherSale) -> None:
    """Note the delivery, and to which address: the shop may have corrected it in this moment."""
    sent_to = {"recipient_email": sale.recipient_email} if sale.delivery == "mail" else {}
    note_sale(sale, **delivered_fields(), **sent_to)


def _note_not_valid(sale: VoucherSale, reason: str, began: datetime) -> bool:
    """Tell a person, once, that a code is not handed over since its voucher is not valid. It is tried again as any
    failure: an operator may make it valid."""
    if sale.delivery_error != reason:
        announce_sale(voucher_needs_review, sale, sale.amount)
    return _note_failure(sale, reason, began)


def _note_failure(sale: VoucherSale, reason: str, began: datetime) -> bool:
    """Store the reason and when to try again. An error is logged once for the same reason, then a warning."""
    is_known = sale.delivery_error == reason[:100]
    (SaleEvents.code_not_delivered_again if is_known else SaleEvents.code_not_delivered).log(
        order_number=sale.order_number, sale=sale.pk, delivery=sale.delivery, problem=reason
    )
    since = max((each for each in (sale.activated_at, sale.deliver_at) if each), default=began)
    try:
        change_sale(sale, delivery_error=reason[:100], deliver_due_at=next_attempt_at(timezone.now(), since))
    except ConflictError:
        sale.refresh_from_db()  # its lease ends by itself
    return False
