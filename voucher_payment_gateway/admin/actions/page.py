"""The page of an action: it states what will happen, is confirmed by POST, and tells what became of it.

The view runs outside of the request's transaction, also under ``ATOMIC_REQUESTS``: money moves before the answer.
"""

from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import path
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache

from voucher_payment_gateway.admin.actions.action import Action, Preview, Told
from voucher_payment_gateway.admin.addresses import APP
from voucher_payment_gateway.exceptions import VoucherGatewayError
from voucher_payment_gateway.gateway.records.conflicts import ConflictError, database

if TYPE_CHECKING:
    AnyPage = admin.ModelAdmin[Any]
else:
    AnyPage = admin.ModelAdmin

__all__ = ["ActionPages"]


class ActionPages(AnyPage):
    """Gives a model admin the pages of its ``clerk_actions``.

    A dashboard beside the admin shows them in its own frame: ``action_template``, ``frame`` and ``way_back``.
    """

    action_template = f"admin/{APP}/action.html"

    @property
    def clerk_actions(self) -> Sequence[Action]:
        """The actions that have a page here. Those of the admin are imported with the project's URLs, not when Django
        starts: they call the gateway."""
        return ()

    def frame(self, request: HttpRequest) -> dict[str, Any]:
        """Return what the page's frame needs beside the action."""
        return self.admin_site.each_context(request) | {"opts": self.opts}

    def way_back(self, action: Action, subject: Any) -> str:
        """Return the address of the page that shows the subject."""
        return action.back(self.admin_site, subject)

    def get_urls(self) -> list[Any]:
        own = [
            path(route, self.admin_site.admin_view(self.view_of(action)), name=f"{APP}_{name}")
            for action in self.clerk_actions
            for name, route in action.routes.items()
        ]
        return own + super().get_urls()

    def view_of(self, action: Action) -> Any:
        """Return the view of the action's page, outside of the request's transaction."""

        @transaction.non_atomic_requests(using=database())
        @never_cache
        def view(request: HttpRequest, pk: int | None = None) -> HttpResponse:
            return self.action_page(request, action, pk)

        return view

    def action_page(self, request: HttpRequest, action: Action, pk: int | None) -> HttpResponse:
        """Show the page, or do what was confirmed. 403 without the permission, 404 where the address names nothing."""
        if not action.is_allowed(request.user):
            raise PermissionDenied
        subject = action.find(request, pk)
        if subject is None:
            raise Http404
        if not action.may_see(request.user, subject):
            raise PermissionDenied
        show = partial(self._shown, request, action, subject)
        back = HttpResponseRedirect(self.way_back(action, subject))
        posted = request.POST if request.method == "POST" else None
        if posted is not None and (known := action.repeated(subject, posted)) is not None:
            _tell(request, known)
            return back
        if not action.is_possible(subject):
            messages.warning(request, action.nothing_left)
            return back
        preview = action.preview(subject)
        form = action.form(posted, preview=preview, initial=action.initial(subject, preview))
        if posted is None or preview.problem:
            return show(preview, form)
        if not form.is_valid():
            is_outdated = bool(preview.seen) and posted.get("seen", "") not in ("", preview.seen)
            return self._conflict(request, action, pk, posted) if is_outdated else show(preview, form)
        try:
            told = action.confirm(subject, preview, form.cleaned_data, request.user)
        except ConflictError:
            return self._conflict(request, action, pk, form.data)
        except VoucherGatewayError as error:
            told = [Told.error(str(error))]
        _tell(request, told)
        return back

    def _conflict(self, request: HttpRequest, action: Action, pk: int | None, posted: Any) -> HttpResponse:
        """Tell what became of the page where it was confirmed twice at the same moment. Else show it again as things
        are now, with what was entered: it must be confirmed again."""
        subject = action.find(request, pk)
        if subject is not None and (known := action.repeated(subject, posted)) is not None:
            _tell(request, known)
            return HttpResponseRedirect(self.way_back(action, subject))
        if subject is None or not action.is_possible(subject):
            messages.warning(request, action.nothing_left)
            return HttpResponseRedirect(
                self.way_back(action, subject) if subject is not None else request.path
            )
        preview = action.preview(subject)
        data = posted.copy()
        for name, value in action.initial(subject, preview).items():
            if action.form.base_fields[name].widget.is_hidden:
                data[name] = value
        form = action.form(data, preview=preview)
        since = action.changes_since(subject, posted.get("seen", ""))
        return self._shown(request, action, subject, preview, form, has_changed=True, since=since, status=409)

    def _shown(
        self,
        request: HttpRequest,
        action: Action,
        subject: Any,
        preview: Preview,
        form: Any,
        *,
        status: int = 200,
        **more: Any,
    ) -> HttpResponse:
        context = self.frame(request) | {
            "title": action.heading(subject),
            "action": action,
            "preview": preview,
            "form": form,
            "back": self.way_back(action, subject),
            "links": action.links(self.admin_site, subject),
        }
        return TemplateResponse(request, self.action_template, context | more, status=status)


def _tell(request: HttpRequest, told: list[Told]) -> None:
    for each in told:
        messages.add_message(request, each.level, str(each.text))
    if not told:
        messages.info(request, _("There was nothing to do."))
