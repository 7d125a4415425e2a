"""The checks around every endpoint: method, CSRF token, body. And error reports that hide what the visitor sent."""

from collections.abc import Callable
from functools import wraps
from types import FrameType
from typing import Any, Literal

from django.http import HttpRequest, HttpResponse
from django.middleware.csrf import CsrfViewMiddleware
from django.views.debug import SafeExceptionReporterFilter
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt

from voucher_payment_gateway.checkout.problems import (
    MALFORMED,
    PAGE_OUTDATED,
    POST_NEEDED,
    UNKNOWN_SCHEME,
    Problem,
)
from voucher_payment_gateway.checkout.requests import (
    UNREADABLE,
    brings_own_token,
    is_readable,
    take_input,
    unknown_scheme,
)
from voucher_payment_gateway.checkout.responses import SAFE_METHODS, refuse
from voucher_payment_gateway.checkout.withholding import layers_of
from voucher_payment_gateway.endpoint_addresses import MARK
from voucher_payment_gateway.gateway.records.conflicts import non_atomic
from voucher_payment_gateway.log_events import PaymentEvents

__all__ = ["endpoint", "hide_input"]

View = Callable[[HttpRequest], HttpResponse]


class CsrfCheck(CsrfViewMiddleware):
    """Returns the reason of a rejection instead of a response, so that we respond as to every other problem."""

    def _reject(self, request: HttpRequest, reason: str) -> Any:
        return reason


def endpoint(method: Literal["GET", "POST"]) -> Callable[[View], View]:
    """Turn a view into an endpoint for one method, and HEAD where it is GET. A wrong method, token or body is refused
    before the view runs."""
    methods = SAFE_METHODS if method == "GET" else (method,)

    def decorate(act: View) -> View:
        @csrf_exempt  # replaced by CsrfCheck, whose refusal is one of our own problems
        @non_atomic
        @never_cache
        @wraps(act)
        def view(request: HttpRequest) -> HttpResponse:
            hide_input(request)
            take_input(request)
            check = CsrfCheck(act)
            check.process_request(request)
            response = _guarded(request, methods, act, check)
            check.process_response(request, response)
            return response

        setattr(view, MARK, act.__name__)
        return view

    return decorate


def _guarded(request: HttpRequest, methods: tuple[str, ...], act: View, check: CsrfCheck) -> HttpResponse:
    if request.method not in methods:
        response = refuse(request, POST_NEEDED)
        response["Allow"] = ", ".join(methods)
        return response
    if request.method == "POST" and not is_readable(request):
        return refuse(request, MALFORMED)
    try:
        if not brings_own_token(request) and check.process_view(request, act, (), {}):
            return refuse(request, _why_forbidden(request))
        return act(request)
    except UNREADABLE:
        return refuse(request, MALFORMED)


def _why_forbidden(request: HttpRequest) -> Problem:
    """Return why a request without a valid CSRF token is refused: a storefront's own token is told as that."""
    scheme = unknown_scheme(request)
    if not scheme:
        return PAGE_OUTDATED
    PaymentEvents.authorization_scheme_unknown.log(scheme=scheme)
    return UNKNOWN_SCHEME


class HidingReporterFilter(SafeExceptionReporterFilter):
    """Hides all form fields and the variables of all functions, the shop's too, also with ``DEBUG`` on: the error page
    of a development machine may be shown on a screen or in a ticket."""

    def is_active(self, request: HttpRequest | None) -> bool:
        return True

    def get_traceback_frame_variables(self, request: HttpRequest | None, tb_frame: FrameType) -> Any:
        return [(name, self.cleansed_substitute) for name in tb_frame.f_locals]


def hide_input(request: HttpRequest) -> None:
    """Hide what the visitor sent from every error report of this request: a code is cash."""
    for layer in layers_of(request):
        layer.exception_reporter_filter = HidingReporterFilter()
        layer.sensitive_post_parameters = "__ALL__"
