"""Hand the code of a sold voucher over again: a clerk does so where the buyer has lost it."""

from typing import Any

from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.utils import timezone

from voucher_payment_gateway.exceptions import (
    ContractError,
    PaymentStateError,
    UnavailableError,
    WrongStateError,
)
from voucher_payment_gateway.gateway.records.conflicts import ConflictError
from voucher_payment_gateway.gateway.records.instance import refuse_other_instance
from voucher_payment_gateway.gateway.records.sales import (
    change_sale,
    code_fields,
    delivered_fields,
    note_sale,
    stored_sale,
)
from voucher_payment_gateway.gateway.records.vouchers import complete_voucher_of
from voucher_payment_gateway.gateway.verbs.hand_over import LEASE, deliver_now
from voucher_payment_gateway.log_events import SaleEvents
from voucher_payment_gateway.models import VoucherSale
from voucher_payment_gateway.models.sale import ADDRESS_LENGTH
from voucher_payment_gateway.opaque import strip_traceback
from voucher_payment_gateway.rules.voucher_status import why_not_valid
from voucher_payment_gateway.sealing import Secret
from voucher_payment_gateway.telemetry import verb

__all__ = ["resend"]


@verb
def resend(
    sale: VoucherSale, *, actor: str, reason: str = "", recipient_email: str | None = None
) -> VoucherSale:
    """Hand the code of an active sale over again: its mail is sent once more, its signal too, and its page shows the
    code again until that is confirmed. Each call does so once.

    ``recipient_email`` replaces the recipient; a voucher that had none is sent by mail then, and so is one that was not
    handed over by the shop, such as an imported one. The code is read at the Voucher Cloud, which needs the right
    ``read-secrets``. ``actor`` and ``reason`` are stored with the sale; logged is the actor alone, since a reason may
    contain anything.

    Raises PaymentStateError (``actor_missing``, ``recipient_malformed``, ``sale_malformed``), WrongStateError where the
    voucher is not active (``sale_not_active``), has no recipient (``no_recipient``), is not there any more
    (``voucher_gone``), is not valid there (``voucher_inactive``, ``voucher_expired``) or is being changed by another
    worker (``sale_changed``); UnavailableError, CredentialsError and ContractError where its code cannot be read,
    UnavailableError (``not_delivered``) where the mail or a receiver failed: the mail was perhaps sent. Nothing is
    changed then, and no money moves.
    """
    refuse_other_instance()
    sale = stored_sale(sale)
    to = _checked(sale, actor, recipient_email)
    by = {"actor": actor[:150], "reason": reason[:255]}
    _read_and_deliver(sale, to | by)
    SaleEvents.code_handed_over_again.log(order_number=sale.order_number, sale=sale.pk, actor=actor)
    return sale


def _checked(sale: VoucherSale, actor: str, recipient_email: str | None) -> dict[str, Any]:
    """Return the recipient and the way of delivery, as far as they change."""
    if not actor.strip():
        raise PaymentStateError("actor: say who sends it again. Nothing was sent.", code="actor_missing")
    if sale.status != "active" or sale.target != "active":
        raise WrongStateError(
            f"order {sale.order_number}: the gift voucher is {sale.status.replace('_', ' ')}: its code "
            "is not handed over again. Nothing was sent.",
            code="sale_not_active",
        )
    if recipient_email is None:
        if sale.delivery in ("none", "mail") and not sale.recipient_email:
            raise WrongStateError(
                f"order {sale.order_number}: the gift voucher has no recipient: name one. Nothing was sent.",
                code="no_recipient",
            )
        return {"delivery": "mail"} if sale.delivery == "none" else {}
    by_mail = {} if sale.delivery == "signal" else {"delivery": "mail"}
    return {"recipient_email": _checked_address(recipient_email), **by_mail}


def _checked_address(given: str) -> str:
    """Return the address without blanks around it; one that is too long for its column is refused before the mail is
    sent, and not when that is noted."""
    address = given.strip()
    try:
        if len(address) > ADDRESS_LENGTH:
            raise ValidationError("too long")
        validate_email(address)
    except ValidationError:
        raise PaymentStateError(
            "recipient_email: is not an e-mail address. Nothing was sent.", code="recipient_malformed"
        ) from None
    return address


@strip_traceback
def _read_and_deliver(sale: VoucherSale, changes: dict[str, Any]) -> None:
    voucher = complete_voucher_of(sale.voucher_id, sale.account)
    if voucher is None:
        raise WrongStateError(
            f"order {sale.order_number}: the gift voucher is not at the Voucher Cloud any more. Nothing was sent.",
            code="voucher_gone",
        )
    if reason := why_not_valid(voucher.status, voucher.valid_until, timezone.now()):
        raise WrongStateError(
            f"order {sale.order_number}: the gift voucher is {reason} at the Voucher Cloud: its code is not handed "
            "over again. Nothing was sent.",
            code=f"voucher_{reason}",
        )
    if not voucher.code:
        raise ContractError(code="voucher_unreadable")
    if voucher.valid_until != sale.valid_until:  # it was extended at the Voucher Cloud
        changes = changes | {"valid_until": voucher.valid_until}
    if (changes.get("delivery") or sale.delivery) == "page":
        _change_or_refuse(sale, **changes, **code_fields(voucher), delivered_at=None)
        return
    _send(sale, Secret(voucher.code, voucher.pin or ""), changes)


@strip_traceback
def _send(sale: VoucherSale, secret: Secret, changes: dict[str, Any]) -> None:
    """Send it, and note it as the delivery. A delivery that is still due is leased meanwhile, so settle makes no second
    one."""
    was_due_at = sale.deliver_due_at
    if sale.delivered_at is None:
        _change_or_refuse(sale, deliver_due_at=timezone.now() + LEASE)
    before = {name: getattr(sale, name) for name in changes}
    for name, value in changes.items():
        setattr(sale, name, value)
    # K23: leased, the code not handed over
    try:
        deliver_now(sale, secret, occasion=f"resent.{timezone.now().isoformat()}")
    except Exception as error:  # whatever a mail server, or a template of the shop, may raise
        for name, value in before.items():
            setattr(sale, name, value)
        if sale.delivered_at is None:
            _change_or_refuse(sale, deliver_due_at=was_due_at)
        raise UnavailableError(
            f"order {sale.order_number}: the gift voucher was not sent: {type(error).__name__}. No money moved.",
            code="not_delivered",
        ) from None
    # K24: handed over, not noted
    note_sale(sale, **changes, **delivered_fields())


def _change_or_refuse(sale: VoucherSale, **changes: Any) -> None:
    try:
        change_sale(sale, **changes)
    except ConflictError:
        raise WrongStateError(
            f"order {sale.order_number}: the gift voucher is being changed just now: try again.",
            code="sale_changed",
        ) from None
