"""What a clerk may do with a sold voucher, each with a permission of its own."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from voucher_payment_gateway import gateway
from voucher_payment_gateway.exceptions import WrongStateError
from voucher_payment_gateway.models import VoucherOperation, VoucherSale
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


class DecideForm(SaleActionForm):
    """How an operation ended: ``operation`` is the one that the page showed."""

    operation = forms.IntegerField(widget=forms.HiddenInput)
    outcome = forms.ChoiceField(
        label=_("outcome"),
        choices=(("done", _("it was done")), ("not_done", _("it was not done, and will not be"))),
        widget=forms.RadioSelect,
    )
    remote_id = forms.CharField(
        label=_("id of the booking"),
        required=False,
        max_length=255,
        help_text=_("Only for money that was put on it: the id of that booking at the Voucher Cloud."),
        widget=forms.TextInput(attrs={"class": "vTextField"}),
    )


def _undecided_operation(sale: VoucherSale) -> VoucherOperation | None:
    """Return the operation of the sale that a person must decide, the oldest first."""
    operations = VoucherOperation.current.filter(sale=sale, state="manual").order_by("pk")
    found: VoucherOperation | None = operations.first()
    return found


@dataclass(frozen=True)
class SaleAction:
    """One button. ``slug`` is its address, ``run`` takes the sale, and the actor and the fields of the form by
    keyword. ``is_done``: whether the sale shows that it was done; inside a transaction it follows the commit.
    ``subject``: the operation that it is about. ``needs_autocommit``: it runs outside of the request's transaction."""

    slug: str
    permission: str
    title: Any
    explanation: Any
    done: Any
    run: Callable[..., object]
    is_possible: Callable[[VoucherSale], bool]
    is_done: Callable[[VoucherSale], bool]
    form: type[SaleActionForm] = SaleActionForm
    subject: Callable[[VoucherSale], VoucherOperation | None] = lambda sale: None
    needs_autocommit: bool = False

    def is_allowed(self, user: Any) -> bool:
        return bool(user.has_perm(f"voucher_payment_gateway.{self.permission}"))


def _can_be_taken_back(sale: VoucherSale) -> bool:
    return sale.status not in ENDED_SALES and sale.target != "taken_back"


def _can_be_sent(sale: VoucherSale) -> bool:
    return sale.status == "active" and sale.target == "active" and sale.delivery in ("mail", "page")


def _resend(sale: VoucherSale, *, recipient_email: str, **by: str) -> VoucherSale:
    return gateway.resend(sale, recipient_email=recipient_email or None, **by)


def _decide(sale: VoucherSale, *, operation: int, outcome: str, remote_id: str, **by: str) -> object:
    """Record the decision on the operation that the page showed; what books nothing is shown by the voucher itself."""
    found = VoucherOperation.current.filter(pk=operation, sale=sale).first()
    if found is None:
        raise WrongStateError("the operation is of another sale. Nothing was changed.")
    shown = remote_id or "-" if found.kind == "recharge" else sale.voucher_id
    return gateway.conclude(found, remote_id=shown if outcome == "done" else "", **by)


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
    SaleAction(
        "decide",
        "change_voucheroperation",
        _("Decide how an operation ended"),
        _(
            "Its outcome could not be found out. Look at the voucher in the Voucher Cloud first. What was done is "
            "checked there; what was not is tried again, or may be asked for again. No money moves by the decision."
        ),
        _("The decision is recorded."),
        _decide,
        lambda sale: _undecided_operation(sale) is not None,
        lambda sale: True,
        DecideForm,
        subject=_undecided_operation,
        needs_autocommit=True,
    ),
)
