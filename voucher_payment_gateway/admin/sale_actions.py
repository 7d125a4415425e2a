"""What a clerk may do with a sold voucher, each with a permission of its own."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from voucher_payment_gateway import gateway
from voucher_payment_gateway.models import VoucherSale
from voucher_payment_gateway.rules.sales import ENDED_SALES

__all__ = ["ACTIONS", "SaleAction", "SaleActionForm"]


class SaleActionForm(forms.Form):
    """Why it is done; ``seen`` is the version of the sale that the page showed, so a double click does it once."""

    reason = forms.CharField(
        label=_("reason"), max_length=255, widget=forms.TextInput(attrs={"class": "vTextField"})
    )
    seen = forms.IntegerField(widget=forms.HiddenInput)


@dataclass(frozen=True)
class SaleAction:
    """One button. ``slug`` is its address, ``run`` takes the sale, and actor and reason by keyword."""

    slug: str
    permission: str
    title: Any
    explanation: Any
    done: Any
    run: Callable[..., object]
    is_possible: Callable[[VoucherSale], bool]

    def is_allowed(self, user: Any) -> bool:
        return bool(user.has_perm(f"voucher_payment_gateway.{self.permission}"))


def _can_be_taken_back(sale: VoucherSale) -> bool:
    return sale.status not in ENDED_SALES and sale.target != "taken_back"


def _can_be_sent(sale: VoucherSale) -> bool:
    return sale.status == "active" and sale.target == "active" and sale.delivery in ("mail", "page")


ACTIONS = (
    SaleAction(
        "resend",
        "resend_vouchersale",
        _("Send the gift voucher again"),
        _("Its code is read at the Voucher Cloud and handed over once more, as it was the first time."),
        _("The gift voucher was sent again."),
        lambda sale, **by: gateway.resend(sale, **by),
        _can_be_sent,
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
    ),
)
