"""Charge what gift vouchers hold for an order."""

from decimal import Decimal
from typing import Any, ClassVar

from django.utils.translation import gettext_lazy as _

from voucher_payment_gateway import gateway
from voucher_payment_gateway.admin.actions.action import Preview
from voucher_payment_gateway.admin.actions.money import MoneyAction
from voucher_payment_gateway.admin.actions.target import Target
from voucher_payment_gateway.admin.sentences import voucher_name
from voucher_payment_gateway.checkout.wording import amount_text
from voucher_payment_gateway.gateway.verbs.preview import preview_capture
from voucher_payment_gateway.money import ZERO
from voucher_payment_gateway.rules.cover import agreed

__all__ = ["Capture"]


class Capture(MoneyAction):
    """Charges all that is held or agreed, up to what the order needs."""

    verb = "capture"
    slug = "capture"
    permission = "capture_voucherpayment"
    title: ClassVar[Any] = _("Charge the gift vouchers")
    button: ClassVar[Any] = _("Charge now")

    def is_possible(self, subject: Target) -> bool:
        return any(
            payment.amount_authorized > ZERO
            or agreed(payment) > ZERO
            or (payment.status == "lapsed" and bool(payment.sealed_code))
            for payment in subject.payments
            if payment.cancel_requested_at is None
        )

    def planned(self, subject: Target) -> Preview:
        shares, currency = preview_capture(subject.what), subject.currency
        if not shares:
            return Preview(
                "", problem=str(_("The order needs nothing of its gift vouchers: nothing is to be charged."))
            )
        amount = sum((share.amount for share in shares), ZERO)
        step = _("%(amount)s is charged to gift voucher %(voucher)s.")
        return Preview(
            _("%(amount)s is charged, and cannot be taken off the order any more: it can only be refunded.")
            % {"amount": amount_text(amount, currency)},
            [
                step % {"amount": amount_text(share.amount, currency), "voucher": voucher_name(share.payment)}
                for share in shares
            ],
            notes=[
                _(
                    "A reservation that has ended is made again first. If the gift voucher refuses, nothing is taken."
                )
            ],
            most=amount,
        )

    def move(self, subject: Target, given: dict[str, Any], most: Decimal, **call: str) -> object:
        return gateway.capture(subject.what, at_most=most, **call)
