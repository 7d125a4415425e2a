"""The page that hands the bookings of some days to an accountant: the same bytes as ``voucher_bookings --file``.

CSV and JSON lines are streamed as they are read. A DATEV file is written whole before its first byte is sent, since a
booking without an account makes it useless.
"""

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from tempfile import TemporaryFile
from typing import IO, TYPE_CHECKING, Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied, ValidationError
from django.http import FileResponse, HttpRequest, HttpResponseBase, StreamingHttpResponse
from django.template.response import TemplateResponse
from django.urls import path
from django.utils.decorators import method_decorator
from django.utils.text import capfirst
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.cache import never_cache

from voucher_payment_gateway.admin.addresses import APP
from voucher_payment_gateway.books.datev import FIRST_DAY, LAST_DAY, PREFIX
from voucher_payment_gateway.books.days import midnight, today
from voucher_payment_gateway.books.export import ENCODINGS, Format, booking_lines
from voucher_payment_gateway.books.notes import FileNotes
from voucher_payment_gateway.books.postings import UnbookableError
from voucher_payment_gateway.conf import gateway_settings
from voucher_payment_gateway.log_events import RunningEvents

if TYPE_CHECKING:
    AnyPage = admin.ModelAdmin[Any]
else:
    AnyPage = admin.ModelAdmin

__all__ = ["MAY_EXPORT", "ExportForm", "ExportPages"]

MAY_EXPORT = f"{APP}.export_voucherbookings"
"""The permission to export."""

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


class ExportPages(AnyPage):
    """Gives an admin the page of the export, for those with its permission."""

    def get_urls(self) -> list[Any]:
        view = self.admin_site.admin_view(self.export_page)
        return [path("export/", view, name=f"{APP}_export"), *super().get_urls()]

    def has_export_permission(self, request: HttpRequest) -> bool:
        """Return whether this user may export the bookings."""
        return bool(request.user.has_perm(MAY_EXPORT))

    @method_decorator(never_cache)
    def export_page(self, request: HttpRequest) -> HttpResponseBase:
        """Show the form, or send the file. Nothing is written, and no money moves."""
        if not self.has_export_permission(request):
            raise PermissionDenied
        form = ExportForm(request.POST or None, initial=_last_month())
        if request.method == "POST" and form.is_valid():
            try:
                return self._file(request, form)
            except UnbookableError as error:
                form.add_error("file_format", _unbookable_text(error))
            except _NotAgreedError as error:
                form.add_error("leave_out", str(error))
        context = self.admin_site.each_context(request) | {
            "opts": self.opts,
            "title": _("Export the gift voucher bookings"),
            "form": form,
        }
        return TemplateResponse(request, f"admin/{APP}/export.html", context)

    def _file(self, request: HttpRequest, form: ExportForm) -> HttpResponseBase:
        """Return the file. What it leaves out, and what it decides by a setting, is reported on the next page too."""
        notes = FileNotes()
        response = _response(form, notes)
        for sentence, words in notes.sentences():
            self.message_user(request, gettext(sentence) % words, messages.WARNING)
        since, until = form.span
        RunningEvents.bookings_exported.log(
            since=str(since), until=str(until), actor=request.user.get_username()
        )
        return response


class _NotAgreedError(Exception):
    """Bookings would be left out, to which the form does not agree; no file was made. The text names them."""


def _response(form: ExportForm, notes: FileNotes) -> HttpResponseBase:
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
            raise _NotAgreedError(_not_agreed_text(*left_out))
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


def _unbookable_text(error: UnbookableError) -> str:
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


def _last_month() -> dict[str, Any]:
    last = today().replace(day=1) - timedelta(days=1)
    return {"first": last.replace(day=1), "last": last, "file_format": "csv", "account": ALL_ACCOUNTS}
