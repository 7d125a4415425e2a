"""The form of the export, and the file that it asks for.

CSV and JSON lines are streamed as they are read. A DATEV file is written whole before its first byte is sent, since a
booking without an account makes it useless.
"""

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from tempfile import TemporaryFile
from typing import IO, Any

from django import forms
from django.core.exceptions import ValidationError
from django.http import FileResponse, HttpResponseBase, StreamingHttpResponse
from django.utils.text import capfirst
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from voucher_payment_gateway.books.datev import FIRST_DAY, LAST_DAY, PREFIX
from voucher_payment_gateway.books.days import midnight, today
from voucher_payment_gateway.books.export import ENCODINGS, Format, booking_lines
from voucher_payment_gateway.books.notes import FileNotes
from voucher_payment_gateway.books.postings import UnbookableError
from voucher_payment_gateway.conf import gateway_settings

__all__ = [
    "ExportForm",
    "FileNotes",
    "NotAgreedError",
    "UnbookableError",
    "file_response",
    "last_month",
    "unbookable_text",
]

CONTENT_TYPES: dict[Format, str] = {"csv": "text/csv", "jsonl": "application/jsonl", "datev": "text/csv"}

LABELS = {"csv": _("CSV, for a spreadsheet"), "jsonl": _("JSON lines"), "datev": _("DATEV booking batch")}

ALL_ACCOUNTS = "*"


def _day_input() -> forms.DateInput:
    return forms.DateInput({"type": "date", "min": FIRST_DAY, "max": LAST_DAY}, "%Y-%m-%d")


def _in_this_century(day: date) -> None:
    if not FIRST_DAY <= day <= LAST_DAY:
        raise ValidationError(_("Give a day of the years 2000 to 2099."))


class ExportForm(forms.Form):
    """The first and the last day, by the shop's time zone, the format, and the account where there are several."""

    first = forms.DateField(label=_("First day"), widget=_day_input(), validators=[_in_this_century])
    last = forms.DateField(label=_("Last day, included"), widget=_day_input(), validators=[_in_this_century])
    file_format = forms.ChoiceField(label=_("Format"), widget=forms.RadioSelect)
    account = forms.ChoiceField(label=_("account"), required=False)
    leave_out = forms.BooleanField(
        label=_("DATEV: leave out bookings in other currencies than EUR"), required=False
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        settings, fields = gateway_settings(), self.fields
        formats: Any = fields["file_format"]
        formats.choices = [
            (name, label) for name, label in LABELS.items() if name != "datev" or settings.DATEV_ACCOUNTS
        ]
        if not settings.DATEV_ACCOUNTS:
            del fields["leave_out"]
        if len(settings.account_names) > 1:
            accounts: Any = fields["account"]
            names = [(name, name or _("the default one")) for name in settings.account_names]
            accounts.choices = [(ALL_ACCOUNTS, _("all")), *names]
        else:
            del fields["account"]

    def clean(self) -> dict[str, Any]:
        given: dict[str, Any] = super().clean() or {}
        first, last = given.get("first"), given.get("last")
        if first and last and last < first:
            self.add_error("last", _("It is before the first day: give the same day or a later one."))
        if given.get("file_format") == "datev" and given.get("account") == ALL_ACCOUNTS:
            self.add_error("account", _("DATEV takes a file for each merchant: choose one."))
        return given

    @property
    def span(self) -> tuple[datetime, datetime]:
        """The first instant of the first day, and that of the day after the last one."""
        first, last = self.cleaned_data["first"], self.cleaned_data["last"]
        return midnight(first), midnight(last + timedelta(days=1))

    @property
    def chosen_account(self) -> str | None:
        account: str = self.cleaned_data.get("account", ALL_ACCOUNTS)
        return None if account == ALL_ACCOUNTS else account


class NotAgreedError(Exception):
    """Bookings would be left out, to which the form does not agree; no file was made. The text names them."""


def file_response(form: ExportForm, notes: FileNotes) -> HttpResponseBase:
    """Return the file of what the form asks for. Raises UnbookableError and NotAgreedError, with no file made."""
    file_format: Any = form.cleaned_data["file_format"]
    lines = booking_lines(*form.span, form.chosen_account, file_format, notes=notes)
    encoding, name = ENCODINGS[file_format], _name(form)
    content_type = f"{CONTENT_TYPES[file_format]}; charset={encoding}"
    response: StreamingHttpResponse
    if file_format == "datev":
        file = _whole(lines, encoding)
        left_out = notes.left_out_sentence()
        if left_out and not form.cleaned_data["leave_out"]:
            file.close()
            raise NotAgreedError(_not_agreed_text(*left_out))
        response = FileResponse(file, content_type=content_type)
    else:
        response = StreamingHttpResponse((line.encode(encoding) for line in lines), content_type=content_type)
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    return response


def _whole(lines: Iterator[str], encoding: str) -> IO[bytes]:
    """Write the lines to a file that is gone once it is closed."""
    file = TemporaryFile()  # noqa: SIM115  the response closes it
    try:
        file.writelines(line.encode(encoding) for line in lines)
        file.seek(0)
    except BaseException:
        file.close()
        raise
    return file


def unbookable_text(error: UnbookableError) -> str:
    """Return why a booking cannot stand in the file."""
    why = gettext(error.sentence) % error.words
    return _("%(why)s No file was made.") % {"why": capfirst(why)}


def _not_agreed_text(sentence: str, words: dict[str, object]) -> str:
    why = gettext(sentence) % words
    return gettext("%(why)s No file was made: tick this if that is meant.") % {"why": why}


def _name(form: ExportForm) -> str:
    first, last = form.cleaned_data["first"], form.cleaned_data["last"]
    if form.cleaned_data["file_format"] == "datev":
        return f"{PREFIX}Gutscheine_{first:%Y%m%d}_{last:%Y%m%d}.csv"
    return f"gift-vouchers_{first}_{last}.{form.cleaned_data['file_format']}"


def last_month() -> dict[str, Any]:
    """Return what the form shows at first."""
    last = today().replace(day=1) - timedelta(days=1)
    return {"first": last.replace(day=1), "last": last, "file_format": "csv", "account": ALL_ACCOUNTS}
