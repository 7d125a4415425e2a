"""The form in which a customer enters a gift voucher."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from voucher_payment_gateway.checkout.problems import Problem

__all__ = ["LONGEST_CODE", "VoucherForm"]

LONGEST_CODE = 255
KEPT_NOWHERE = {
    "autocomplete": "off",
    "autocapitalize": "off",
    "autocorrect": "off",
    "spellcheck": "false",
    "translate": "no",
    "data-1p-ignore": "",
    "data-lpignore": "true",
    "class": "vpg-input",
}
"""A code is cash: no browser, password manager, spelling service or translator is to learn it."""


class VoucherForm(forms.Form):
    """A code and, for the vouchers that have one, a PIN. Both are sent as typed, trimmed outside."""

    code = forms.CharField(
        label=_("Gift voucher code"),
        max_length=LONGEST_CODE,
        widget=forms.TextInput(attrs={**KEPT_NOWHERE, "aria-required": "true"}),
    )
    pin = forms.CharField(
        label=_("PIN, if it has one"),
        required=False,
        max_length=LONGEST_CODE,
        widget=forms.TextInput(attrs=KEPT_NOWHERE),
    )

    use_required_attribute = False
    """The browser's own bubble speaks the language of the browser; our sentence that of the page."""

    def __init__(self, *args: Any, problem: Problem | None = None, **kwargs: Any) -> None:
        super().__init__(*args, **{"auto_id": "vpg-%s", "label_suffix": "", **kwargs})
        if problem and problem.field in self.fields:
            wrong = {"aria-invalid": "true", "aria-describedby": "vpg-problem", "autofocus": True}
            self.fields[problem.field].widget.attrs.update(wrong)

    @property
    def is_empty(self) -> bool:
        """Whether the customer sent the form without a code."""
        return self.has_error("code", "required")
