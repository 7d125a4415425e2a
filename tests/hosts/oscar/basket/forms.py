from oscar.apps.basket import forms

from voucher_payment_gateway.hosts.oscar.selling_form import GiftVoucherFormMixin


class AddToBasketForm(GiftVoucherFormMixin, forms.AddToBasketForm):
    """Asks for the recipient of a gift voucher."""


class SimpleAddToBasketForm(forms.SimpleAddToBasketMixin, AddToBasketForm):
    """The form without a quantity."""
