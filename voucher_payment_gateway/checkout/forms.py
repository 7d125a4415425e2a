"""The form in which a customer enters a gift voucher."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

__all__ = ["LONGEST_CODE", "VoucherForm"]

LONGEST_CODE = 255
TYPED_BY_HAND = {"autocomplete": "off", "autocapitalize": "off", "autocorrect": "off", "spellcheck": "false"}


class VoucherForm(forms.Form):
    """A code and, for the vouchers that have one, a PIN. Both are sent as typed, trimmed outside."""

    code = forms.CharField(
        label=_("Gift voucher code"),
        max_length=LONGEST_CODE,
        widget=forms.TextInput(attrs={**TYPED_BY_HAND, "class": "vpg-input"}),
    )
    pin = forms.CharField(
        label=_("PIN, if it has one"),
        required=False,
        max_length=LONGEST_CODE,
        widget=forms.TextInput(attrs={**TYPED_BY_HAND, "class": "vpg-input"}),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **{"auto_id": "vpg-%s", "label_suffix": "", **kwargs})

    @property
    def is_empty(self) -> bool:
        """Whether the customer sent the form without a code."""
        return self.has_error("code", "required")
