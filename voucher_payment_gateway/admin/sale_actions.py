"""What a clerk may do with a sold voucher, each with a permission of its own."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from voucher_payment_gateway import gateway
from voucher_payment_gateway.models import VoucherSale
from voucher_payment_gateway.rules.sales import ENDED_SALES

__all__ = ["ACTIONS", "SaleAction"]


class SaleActionForm(forms.Form):
    """Why it is done; ``seen`` is the version of the sale that the page showed, so a double click does it once."""

    reason = forms.CharField(
        label=_("reason"), max_length=255, widget=forms.TextInput(attrs={"class": "vTextField"})
    )
    seen = forms.IntegerField(widget=forms.HiddenInput)


class ResendForm(SaleActionForm):
    """The mail may have come back, or the address been wrong: it is sent to another one then."""

    recipient_email = forms.EmailField(
        label=_("another recipient"),
        required=False,
        help_text=_(
            "Empty: to the same address as before. Whoever has the first mail can still spend the voucher."
        ),
        widget=forms.EmailInput(attrs={"class": "vTextField"}),
    )


@dataclass(frozen=True)
class SaleAction:
    """One button. ``slug`` is its address, ``run`` takes the sale, and the actor and the fields of the form by
    keyword. ``is_done``: whether the sale shows that it was done; inside a transaction it follows the commit."""

    slug: str
    permission: str
    title: Any
    explanation: Any
    done: Any
    run: Callable[..., object]
    is_possible: Callable[[VoucherSale], bool]
    is_done: Callable[[VoucherSale], bool]
    form: type[SaleActionForm] = SaleActionForm

    def is_allowed(self, user: Any) -> bool:
        return bool(user.has_perm(f"voucher_payment_gateway.{self.permission}"))


def _can_be_taken_back(sale: VoucherSale) -> bool:
    return sale.status not in ENDED_SALES and sale.target != "taken_back"


def _can_be_sent(sale: VoucherSale) -> bool:
    return sale.status == "active" and sale.target == "active" and sale.delivery in ("mail", "page")


def _resend(sale: VoucherSale, *, recipient_email: str, **by: str) -> VoucherSale:
    return gateway.resend(sale, recipient_email=recipient_email or None, **by)


ACTIONS = (
    SaleAction(
        "resend",
        "resend_vouchersale",
        _("Send the gift voucher again"),
        _("Its code is read at the Voucher Cloud and handed over once more, as it was the first time."),
        _("The gift voucher was sent again."),
        _resend,
        _can_be_sent,
        lambda sale: True,
        ResendForm,
    ),
    SaleAction(
        "take-back",
        "take_back_vouchersale",
        _("Take the gift voucher back"),
        _(
            "It is deactivated and deleted: it cannot be redeemed any more. One that was spent stays valid. What was "
            "paid for it is refunded by you."
        ),
        _("The gift voucher was taken back."),
        lambda sale, **by: gateway.take_back(sale, **by),
        _can_be_taken_back,
        lambda sale: sale.status in ENDED_SALES,
    ),
)
