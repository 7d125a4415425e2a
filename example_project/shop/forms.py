"""The forms of customers and staff."""

from decimal import Decimal

from django import forms
from django.utils.translation import gettext_lazy as _

from shop.basket import MAX_QUANTITY
from shop.card import CardPayment
from shop.models import Order


class QuantityForm(forms.Form):
    """The quantity of a tea."""

    quantity = forms.IntegerField(min_value=0, max_value=MAX_QUANTITY)


class ConfirmForm(forms.Form):
    """The last step: who orders, and how the rest is paid. ``seen`` is the total and the due amount that were shown."""

    customer_name = forms.CharField(
        label=_("Your name"), max_length=80, widget=forms.TextInput(attrs={"autocomplete": "name"})
    )
    pay_rest = forms.ChoiceField(choices=Order.Rest, required=False)
    card = forms.ChoiceField(choices=CardPayment.Behaviour, required=False, label=_("A card to try"))
    seen = forms.CharField(max_length=40, widget=forms.HiddenInput)


class ReturnForm(forms.Form):
    """The amount to refund to the gift vouchers; ``seen`` is the number of returns that the page showed."""

    amount = forms.DecimalField(
        required=False,
        min_value=Decimal("0.01"),
        max_digits=7,
        decimal_places=2,
        error_messages={"invalid": _("Write the amount with a point, such as 12.50.")},
    )
    seen = forms.IntegerField(min_value=0, widget=forms.HiddenInput)
