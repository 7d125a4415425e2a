"""Send a sold voucher again, and take one back. Its version tells two pages apart: the first one that is confirmed
acts."""

from abc import abstractmethod
from typing import Any, ClassVar

from django import forms
from django.utils.translation import gettext_lazy as _

from voucher_payment_gateway import gateway
from voucher_payment_gateway.admin.actions.action import Action, ActionForm, Preview, Told
from voucher_payment_gateway.admin.addresses import APP, admin_address
from voucher_payment_gateway.admin.sentences import voucher_name
from voucher_payment_gateway.checkout.wording import amount_text
from voucher_payment_gateway.gateway.records.sales import confirm_sale
from voucher_payment_gateway.models import VoucherSale
from voucher_payment_gateway.rules.sales import ENDED_SALES

__all__ = ["Resend", "SaleAction", "TakeBack"]


class SaleForm(ActionForm):
    """Why; ``seen`` is the version of the sale that the page has shown."""

    seen = forms.IntegerField(widget=forms.HiddenInput)


class ResendForm(SaleForm):
    """The mail may have come back, or the address been wrong: it is sent to another one then."""

    recipient_email = forms.EmailField(
        label=_("another recipient"),
        required=False,
        help_text=_(
            "Empty: to the same address as before. Whoever has the first mail can still spend the voucher."
        ),
        widget=forms.EmailInput(attrs={"class": "vTextField"}),
    )
    field_order = ("recipient_email", "reason")


class SaleAction(Action):
    """An action on one sold voucher."""

    explanation: ClassVar[Any]
    done: ClassVar[Any]
    form: ClassVar[type[ActionForm]] = SaleForm

    def may_see(self, user: Any, subject: VoucherSale) -> bool:
        return bool(user.has_perm(f"{APP}.view_vouchersale"))

    def find(self, request: Any, pk: int | None) -> VoucherSale | None:
        found: VoucherSale | None = VoucherSale.current.filter(pk=pk).first()
        return found

    def back(self, site: Any, subject: VoucherSale) -> str:
        return admin_address(site, subject)

    def initial(self, subject: VoucherSale, preview: Preview) -> dict[str, Any]:
        return {"seen": subject.version}

    def preview(self, subject: VoucherSale) -> Preview:
        facts = [
            (_("order number"), subject.order_number),
            (_("amount"), amount_text(subject.amount, subject.currency)),
            (_("gift voucher"), voucher_name(subject)),
            (_("status"), subject.get_status_display()),
            (_("recipient"), subject.recipient_email),
        ]
        return Preview(self.explanation, facts=[(label, value) for label, value in facts if value])

    def confirm(self, subject: VoucherSale, preview: Preview, given: dict[str, Any], user: Any) -> list[Told]:
        confirm_sale(subject, version=given["seen"])
        self.carry_out(subject, given, actor=user.get_username(), reason=given["reason"])
        if self.is_done(VoucherSale.current.get(pk=subject.pk)):
            return [Told.success(self.done)]
        return [
            Told.warning(
                _("It is noted and not done yet: it follows what is still open on the gift voucher.")
            )
        ]

    @abstractmethod
    def carry_out(self, sale: VoucherSale, given: dict[str, Any], **by: str) -> object:
        """Call the verb."""

    def is_done(self, sale: VoucherSale) -> bool:
        """Return whether the sale shows that it was done."""
        return True


class Resend(SaleAction):
    """Hands the code over once more."""

    slug = "resend"
    permission = "resend_vouchersale"
    title: ClassVar[Any] = _("Send the gift voucher again")
    button: ClassVar[Any] = _("Send it now")
    explanation: ClassVar[Any] = _(
        "Its code is read at the Voucher Cloud and handed over once more, as it was the first time."
    )
    done: ClassVar[Any] = _("The gift voucher was sent again.")
    routes: ClassVar[dict[str, str]] = {"vouchersale_resend": "<int:pk>/resend/"}
    form: ClassVar[type[ActionForm]] = ResendForm

    def is_possible(self, subject: VoucherSale) -> bool:
        is_active = subject.status == "active" and subject.target == "active"
        return is_active and subject.delivery != "signal"

    def carry_out(self, sale: VoucherSale, given: dict[str, Any], **by: str) -> object:
        return gateway.resend(sale, recipient_email=given["recipient_email"] or None, **by)


class TakeBack(SaleAction):
    """Ends the voucher, unless it was spent."""

    slug = "take-back"
    permission = "take_back_vouchersale"
    title: ClassVar[Any] = _("Take the gift voucher back")
    button: ClassVar[Any] = _("Take it back now")
    explanation: ClassVar[Any] = _(
        "It is deactivated and deleted: it cannot be redeemed any more. One that was spent stays valid. What was paid "
        "for it is refunded by you."
    )
    done: ClassVar[Any] = _("The gift voucher was taken back.")
    routes: ClassVar[dict[str, str]] = {"vouchersale_take-back": "<int:pk>/take-back/"}

    def is_possible(self, subject: VoucherSale) -> bool:
        return subject.status not in ENDED_SALES and subject.target != "taken_back"

    def carry_out(self, sale: VoucherSale, given: dict[str, Any], **by: str) -> object:
        return gateway.take_back(sale, **by)

    def is_done(self, sale: VoucherSale) -> bool:
        return sale.status in ENDED_SALES
