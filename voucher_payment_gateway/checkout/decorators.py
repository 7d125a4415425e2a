"""What surrounds every endpoint: method, CSRF token, body, transaction, cache, and silence about what was sent."""

from collections.abc import Callable
from functools import wraps
from types import FrameType
from typing import Any

from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.middleware.csrf import CsrfViewMiddleware
from django.views.debug import SafeExceptionReporterFilter
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt

from voucher_payment_gateway.checkout.problems import MALFORMED, PAGE_OUTDATED, POST_NEEDED
from voucher_payment_gateway.checkout.requests import UNREADABLE, brings_own_token
from voucher_payment_gateway.checkout.responses import refuse

__all__ = ["endpoint", "keep_silent"]

View = Callable[[HttpRequest], HttpResponse]


class CsrfCheck(CsrfViewMiddleware):
    """Returns the reason of a refusal, so that it is told like every other problem."""

    def _reject(self, request: HttpRequest, reason: str) -> Any:
        return reason


def endpoint(method: str) -> Callable[[View], View]:
    """Make an endpoint for one method. A wrong method, token or body is a clear sentence, and nothing is done."""

    def decorate(act: View) -> View:
        @csrf_exempt  # from Django's own check alone: ours, below, answers in the words of the checkout
        @transaction.non_atomic_requests
        @never_cache
        @wraps(act)
        def view(request: HttpRequest) -> HttpResponse:
            keep_silent(request)
            check = CsrfCheck(act)
            check.process_request(request)
            response = _guarded(request, method, act, check)
            check.process_response(request, response)
            return response

        return view

    return decorate


def _guarded(request: HttpRequest, method: str, act: View, check: CsrfCheck) -> HttpResponse:
    if request.method != method:
        response = refuse(request, POST_NEEDED)
        response["Allow"] = method
        return response
    try:
        if not brings_own_token(request) and check.process_view(request, act, (), {}):
            return refuse(request, PAGE_OUTDATED)
        return act(request)
    except UNREADABLE:
        return refuse(request, MALFORMED)


class SilentReporter(SafeExceptionReporterFilter):
    """Hides the fields of the form and the variables of every function, the shop's own too, also with ``DEBUG`` on:
    a page of a development machine is shown to others as well."""

    def is_active(self, request: HttpRequest | None) -> bool:
        return True

    def get_traceback_frame_variables(self, request: HttpRequest | None, tb_frame: FrameType) -> Any:
        return [(name, self.cleansed_substitute) for name in tb_frame.f_locals]


def keep_silent(request: HttpRequest) -> None:
    """Have no report of an error in this request show what was sent."""
    request.exception_reporter_filter = SilentReporter()
    request.sensitive_post_parameters = "__ALL__"  # type: ignore[attr-defined]
