"""The page that hands the bookings of some days to an accountant: the same bytes as ``voucher_bookings --file``."""

from typing import TYPE_CHECKING, Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponseBase
from django.template.response import TemplateResponse
from django.urls import path
from django.utils.decorators import method_decorator
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.cache import never_cache

from voucher_payment_gateway.admin.addresses import APP
from voucher_payment_gateway.log_events import RunningEvents

if TYPE_CHECKING:
    from voucher_payment_gateway.admin.export_form import ExportForm

    AnyPage = admin.ModelAdmin[Any]
else:
    AnyPage = admin.ModelAdmin

__all__ = ["MAY_EXPORT", "ExportPages"]

MAY_EXPORT = f"{APP}.export_voucherbookings"
"""The permission to export."""


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
        from voucher_payment_gateway.admin import export_form

        if not self.has_export_permission(request):
            raise PermissionDenied
        form = export_form.ExportForm(request.POST or None, initial=export_form.last_month())
        if request.method == "POST" and form.is_valid():
            try:
                return self._file(request, form)
            except export_form.UnbookableError as error:
                form.add_error("file_format", export_form.unbookable_text(error))
            except export_form.NotAgreedError as error:
                form.add_error("leave_out", str(error))
        context = self.admin_site.each_context(request) | {
            "opts": self.opts,
            "title": _("Export the gift voucher bookings"),
            "form": form,
        }
        return TemplateResponse(request, f"admin/{APP}/export.html", context)

    def _file(self, request: HttpRequest, form: "ExportForm") -> HttpResponseBase:
        """Return the file. What it leaves out, and what it decides by a setting, is reported on the next page too."""
        from voucher_payment_gateway.admin.export_form import FileNotes, file_response

        notes = FileNotes()
        response = file_response(form, notes)
        for sentence, words in notes.sentences():
            self.message_user(request, gettext(sentence) % words, messages.WARNING)
        since, until = form.span
        RunningEvents.bookings_exported.log(
            since=str(since), until=str(until), actor=request.user.get_username()
        )
        return response
