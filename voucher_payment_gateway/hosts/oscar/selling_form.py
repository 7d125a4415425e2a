"""The fields of a gift voucher on Oscar's product page: a wrong input is reported at its field, before it is paid."""

from collections.abc import Callable
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils import timezone
from django.utils.formats import date_format, number_format
from django.utils.translation import gettext_lazy as _

from voucher_payment_gateway.hosts.oscar.selling import AMOUNT, DAY, EMAIL, MESSAGE, NAME
from voucher_payment_gateway.hosts.oscar.selling_price import bounds
from voucher_payment_gateway.models.sale import MESSAGE_LENGTH

if TYPE_CHECKING:
    AnyForm = forms.Form
else:
    AnyForm = object

__all__ = ["GiftVoucherFormMixin"]

MAX_DAYS_AHEAD = 365


class GiftVoucherFormMixin(AnyForm):
    """For the shop's ``AddToBasketForm``: checks the options of a gift voucher, and says in the visitor's language what
    they are."""

    def _add_option_field(self, product: Any, option: Any) -> None:
        if (field := FIELDS.get(option.code)) is None:
            super()._add_option_field(product, option)  # type: ignore[misc]
        else:
            self.fields[option.code] = field(option.required)


def _amount(is_required: bool) -> forms.Field:
    least, most = bounds()
    return forms.DecimalField(
        label=_("Amount of the gift voucher"),
        required=is_required,
        localize=True,
        min_value=least,
        max_value=most,
        decimal_places=2,
        help_text=_("From %(least)s to %(most)s.")
        % {"least": number_format(least, 2), "most": number_format(most, 2)},
        widget=forms.TextInput(attrs={"inputmode": "decimal", "autocomplete": "off"}),
    )


def _email(is_required: bool) -> forms.Field:
    return forms.EmailField(
        label=_("Send the gift voucher to this e-mail address"),
        required=is_required,
        max_length=254,
        help_text=_("Empty: to your own address."),
        widget=forms.EmailInput(attrs={"autocomplete": "off"}),
    )


def _name(is_required: bool) -> forms.Field:
    return forms.CharField(
        label=_("Name of the recipient"),
        required=is_required,
        max_length=80,
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )


def _message(is_required: bool) -> forms.Field:
    return forms.CharField(
        label=_("Your message to the recipient"),
        required=is_required,
        max_length=MESSAGE_LENGTH,
        widget=forms.Textarea(attrs={"rows": 3}),
    )


def _day(is_required: bool) -> forms.Field:
    return forms.DateField(
        label=_("Day on which the gift voucher is sent"),
        required=is_required,
        validators=[_check_day],
        help_text=_("Empty: as soon as it is paid."),
        widget=forms.DateInput(format="%Y-%m-%d", attrs={"type": "date"}),
    )


def _check_day(day: date) -> None:
    today = timezone.localdate()
    if not today <= day <= today + timedelta(days=MAX_DAYS_AHEAD):
        last = date_format(today + timedelta(days=MAX_DAYS_AHEAD), "SHORT_DATE_FORMAT")
        raise ValidationError(_("Please choose a day from today to %(last)s.") % {"last": last})


FIELDS: dict[str, Callable[[bool], forms.Field]] = {
    AMOUNT: _amount,
    EMAIL: _email,
    NAME: _name,
    MESSAGE: _message,
    DAY: _day,
}
