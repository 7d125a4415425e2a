"""The form in which a customer enters a gift voucher."""

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from django import forms
from django.conf import settings
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _

from voucher_payment_gateway.checkout.problems import Problem

__all__ = ["LONGEST_CODE", "VoucherForm", "fields_of"]

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
        self.is_empty = problem is None and not self.is_bound
        if problem and problem.field in self.fields:
            wrong = {"aria-invalid": "true", "aria-describedby": "vpg-problem", "autofocus": True}
            self.fields[problem.field].widget.attrs.update(wrong)


def fields_of(form: VoucherForm) -> Mapping[str, SafeString]:
    """Return the HTML of each field with its label. That of an empty form is the same on every page in one language,
    so it is kept: Django renders four templates for it, which take longer than the rest of the block."""
    if form.is_empty:
        return _empty_fields(get_language(), settings.FORM_RENDERER)
    return _rendered(form)


@lru_cache(maxsize=64)
def _empty_fields(language: str | None, renderer: str) -> Mapping[str, SafeString]:
    return _rendered(VoucherForm())


def _rendered(form: VoucherForm) -> Mapping[str, SafeString]:
    return {field.name: format_html("{}{}", field.label_tag(), field) for field in form}
