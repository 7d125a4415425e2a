"""The form in which a customer enters a gift voucher."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from voucher_payment_gateway.checkout.problems import Problem

__all__ = ["LONGEST_CODE", "VoucherForm"]

LONGEST_CODE = 255
NOT_REMEMBERED = {
    "autocomplete": "off",
    "autocapitalize": "off",
    "autocorrect": "off",
    "spellcheck": "false",
    "translate": "no",
    "data-1p-ignore": "",
    "data-lpignore": "true",
    "class": "vpg-input",
}
"""A code is cash: browsers, password managers, spell checkers and translators must not store or send it."""


class VoucherForm(forms.Form):
    """A code and, for vouchers that have one, a PIN. Both are passed on as typed, without outer spaces."""

    code = forms.CharField(
        label=_("Gift voucher code"),
        max_length=LONGEST_CODE,
        widget=forms.TextInput(attrs={**NOT_REMEMBERED, "aria-required": "true"}),
    )
    pin = forms.CharField(
        label=_("PIN, if it has one"),
        required=False,
        max_length=LONGEST_CODE,
        widget=forms.TextInput(attrs=NOT_REMEMBERED),
    )

    use_required_attribute = False
    """The browser's own hint is in the browser's language; our message is in the language of the page."""

    def __init__(self, *args: Any, problem: Problem | None = None, **kwargs: Any) -> None:
        super().__init__(*args, **{"auto_id": "vpg-%s", "label_suffix": "", **kwargs})
        if problem and problem.field in self.fields:
            wrong = {"aria-invalid": "true", "aria-describedby": "vpg-problem", "autofocus": True}
            self.fields[problem.field].widget.attrs.update(wrong)
