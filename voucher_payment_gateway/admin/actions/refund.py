"""Give charged money back to the gift vouchers it came from: all of it, or a part."""

from dataclasses import dataclass
from decimal import Decimal
from typing import Any, ClassVar

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from voucher_payment_gateway import gateway
from voucher_payment_gateway.admin.actions.action import ActionForm, Preview, text_input
from voucher_payment_gateway.admin.actions.amounts import typed_amount, written_amount
from voucher_payment_gateway.admin.actions.archived import archived_notes
from voucher_payment_gateway.admin.actions.money import MoneyAction, MoneyForm
from voucher_payment_gateway.admin.actions.second_person import ASK, limit_below, limit_note
from voucher_payment_gateway.admin.actions.target import Target
from voucher_payment_gateway.admin.sentences import voucher_name
from voucher_payment_gateway.checkout.wording import amount_text
from voucher_payment_gateway.conf import gateway_settings
from voucher_payment_gateway.currencies import smallest_unit
from voucher_payment_gateway.gateway.verbs.preview import preview_refund
from voucher_payment_gateway.money import ZERO

__all__ = ["Refund", "RefundForm"]

SHARED_BY = {
    "last-first": _("A part goes back to the last gift voucher first."),
    "first-first": _("A part goes back to the first gift voucher first."),
    "pro-rata": _("A part is shared out over the gift vouchers in proportion."),
}


REFUND_OR_ASK = _("Refund now, or ask for it")
"""The button of a page that does either, by the amount."""


@dataclass(frozen=True)
class RefundPreview(Preview):
    """``most`` is what may go back, in units of ``currency``."""

    currency: str = ""


class RefundForm(MoneyForm):
    """How much, and why."""

    amount = forms.CharField(
        label=_("Amount to refund"), max_length=20, widget=text_input(inputmode="decimal", autocomplete="off")
    )
    field_order = ("amount", "reason")

    def __init__(self, *args: Any, preview: Any, **kwargs: Any) -> None:
        super().__init__(*args, preview=preview, **kwargs)
        if getattr(preview, "most", ZERO):
            bounds = {
                "least": amount_text(smallest_unit(preview.currency), preview.currency),
                "most": amount_text(preview.most, preview.currency),
            }
            self.fields["amount"].help_text = gettext("%(least)s to %(most)s.") % bounds

    def clean_amount(self) -> Decimal:
        amount = typed_amount(self.cleaned_data["amount"], self.preview.currency)
        if amount > self.preview.most:
            text = gettext("At most %(most)s may be refunded.")
            raise ValidationError(text % {"most": amount_text(self.preview.most, self.preview.currency)})
        return amount


class Refund(MoneyAction):
    """Refunds an amount of an order, shared out by ``REFUND_ORDER``, or of a single payment."""

    verb = "refund"
    gives_back = True
    slug = "refund"
    permission = "refund_voucherpayment"
    title: ClassVar[Any] = _("Refund to the gift vouchers")
    button: ClassVar[Any] = _("Refund now")
    form: ClassVar[type[ActionForm]] = RefundForm

    def is_possible(self, subject: Target) -> bool:
        return any(payment.amount_refundable > ZERO for payment in subject.payments)

    def planned(self, subject: Target) -> Preview:
        shares, currency = preview_refund(subject.what), subject.currency
        most = sum((share.amount for share in shares), ZERO)
        if not shares:
            return Preview("", problem=str(_("All that was charged went back, or is on its way back.")))
        limit = limit_below(subject.number, currency, most)
        step = _("Up to %(amount)s goes back to gift voucher %(voucher)s.")
        return RefundPreview(
            _(
                "The amount that you enter goes back to the gift vouchers. Of what was charged, %(amount)s may be "
                "refunded."
            )
            % {"amount": amount_text(most, currency)},
            [
                step % {"amount": amount_text(share.amount, currency), "voucher": voucher_name(share.payment)}
                for share in shares
            ],
            notes=[
                *archived_notes(subject.payments),
                *([SHARED_BY[gateway_settings().REFUND_ORDER]] if len(shares) > 1 else []),
                *limit_note(limit, currency),
            ],
            most=most,
            currency=currency,
            button="" if limit is None else REFUND_OR_ASK if limit else ASK,
        )

    def initial(self, subject: Target, preview: Preview) -> dict[str, Any]:
        most = getattr(preview, "most", ZERO)
        amount = {"amount": written_amount(most, subject.currency)} if most else {}
        return super().initial(subject, preview) | amount

    def stated(self, preview: Preview, given: dict[str, Any]) -> Decimal:
        return Decimal(given["amount"])

    def move(self, subject: Target, given: dict[str, Any], most: Decimal, **call: str) -> object:
        return gateway.refund(subject.what, most, **call)
