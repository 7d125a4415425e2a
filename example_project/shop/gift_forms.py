"""The form of a gift voucher: each wrong input is told in one sentence at its field."""

import unicodedata
from datetime import timedelta
from decimal import Decimal
from typing import Any

from django import forms
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

__all__ = ["AMOUNTS", "AmountForm", "GiftForm"]

AMOUNTS = (Decimal(25), Decimal(50), Decimal(100))
LEAST, MOST = Decimal(5), Decimal(250)
OWN = "own"
MAX_DAYS_AHEAD = 365


class PlainTextField(forms.CharField):
    """A text of characters that mails and printers show: other blanks become spaces, control characters go."""

    def to_python(self, value: Any) -> str:
        text = str(value or "").replace("\r\n", "\n").replace("\r", "\n")
        shown = (" " if unicodedata.category(sign) == "Zs" else sign for sign in text)
        return str(super().to_python("".join(sign for sign in shown if sign.isprintable() or sign == "\n")))


class AmountForm(forms.Form):
    """What a gift voucher is worth, or what is added to it: one of ``AMOUNTS``, or an amount of the customer's own."""

    amount = forms.ChoiceField(
        label=_("Amount"),
        choices=[*((str(amount), amount) for amount in AMOUNTS), (OWN, OWN)],
        error_messages={
            "required": _("Please choose an amount."),
            "invalid_choice": _("Please choose one of these amounts."),
        },
    )
    own_amount = forms.DecimalField(
        label=_("Your own amount, from 5 to 250"),
        required=False,
        localize=True,
        min_value=LEAST,
        max_value=MOST,
        decimal_places=2,
        widget=forms.TextInput(attrs={"inputmode": "decimal", "autocomplete": "off"}),
        error_messages={
            "invalid": _("Please write the amount in digits."),
            "min_value": _("Please enter an amount of at least 5."),
            "max_value": _("Please enter an amount of at most 250."),
            "max_decimal_places": _("Please enter an amount with at most two decimals."),
        },
    )

    amounts = AMOUNTS

    def clean(self) -> dict[str, Any]:
        given = super().clean() or self.cleaned_data
        if given.get("amount") != OWN:
            self.errors.pop("own_amount", None)
        elif "own_amount" in given and given["own_amount"] is None:
            self.add_error("own_amount", _("Please enter an amount from 5 to 250."))
        return given

    @property
    def worth(self) -> Decimal:
        """The chosen amount, with two decimals."""
        chosen = self.cleaned_data["amount"]
        given: Decimal = self.cleaned_data["own_amount"] if chosen == OWN else Decimal(chosen)
        return given.quantize(Decimal("0.01"))


class GiftForm(AmountForm):
    """A new gift voucher: for whom, with which words, and when."""

    recipient_email = forms.EmailField(
        label=_("E-mail of the recipient"),
        required=False,
        widget=forms.EmailInput(attrs={"autocomplete": "off"}),
        error_messages={"invalid": _("Please enter an e-mail address, such as ada@example.com.")},
    )
    recipient_name = PlainTextField(
        label=_("Name of the recipient"),
        required=False,
        max_length=80,
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
        error_messages={"max_length": _("Please write at most 80 characters.")},
    )
    message = PlainTextField(
        label=_("Your message"),
        required=False,
        max_length=500,
        widget=forms.Textarea(attrs={"rows": 4}),
        error_messages={"max_length": _("Please write at most 500 characters.")},
    )
    deliver_on = forms.DateField(
        label=_("Day of delivery"),
        required=False,
        widget=forms.DateInput(format="%Y-%m-%d", attrs={"type": "date"}),
        error_messages={"invalid": _("Please enter a day of the calendar.")},
    )

    def clean_recipient_name(self) -> str:
        return " ".join(self.cleaned_data["recipient_name"].split())

    def clean_deliver_on(self) -> Any:
        day, today = self.cleaned_data["deliver_on"], timezone.localdate()
        if day is None or day == today:
            return None
        if day < today:
            raise forms.ValidationError(_("Please choose today or a later day."))
        if day > today + timedelta(days=MAX_DAYS_AHEAD):
            raise forms.ValidationError(_("Please choose a day within a year."))
        return day

    def clean(self) -> dict[str, Any]:
        given = super().clean()
        if given.get("deliver_on") and not given.get("recipient_email") and "recipient_email" in given:
            self.add_error(
                "deliver_on", _("Only an e-mail can wait for a day: please enter the address too.")
            )
        return given
