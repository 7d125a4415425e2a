"""The response to an outcome: JSON for a storefront, the block for the script, a redirect for a form."""

from dataclasses import replace
from math import ceil

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.middleware.csrf import get_token
from django.shortcuts import render
from django.utils.cache import patch_vary_headers
from django.utils.http import url_has_allowed_host_and_scheme

from voucher_payment_gateway.checkout.balance import with_balances
from voucher_payment_gateway.checkout.block import TEMPLATE, Outcome, block_context, remember_problem
from voucher_payment_gateway.checkout.problems import NOT_POSSIBLE, Problem
from voucher_payment_gateway.checkout.requests import (
    FRAGMENT_HEADER,
    UNREADABLE,
    brings_own_token,
    wants_fragment,
    wants_json,
)
from voucher_payment_gateway.checkout.schema import document_of
from voucher_payment_gateway.checkout.summary import Summary, shown_summary
from voucher_payment_gateway.exceptions import PaymentStateError
from voucher_payment_gateway.log_events import PaymentEvents

__all__ = ["SAFE_METHODS", "answer", "refuse", "with_headers"]

SAFE_METHODS = ("GET", "HEAD")
PROBLEM_TEMPLATE = "voucher_payment_gateway/problem.html"


def answer(request: HttpRequest, outcome: Outcome) -> HttpResponse:
    """Respond to a request that was carried out, or could not be."""
    summary = None
    if wants_json(request) or wants_fragment(request):
        outcome, summary = _with_summary(outcome)
    if wants_json(request):
        response = _as_json(request, outcome, summary)
    elif summary is not None:
        response = _as_block(request, outcome, summary)
    elif request.method in SAFE_METHODS:
        response = HttpResponseRedirect(way_back(request))
    else:
        response = _as_redirect(request, outcome)
    return with_headers(response, outcome.problem)


def refuse(request: HttpRequest, problem: Problem) -> HttpResponse:
    """Respond to an invalid request; nothing was done."""
    if wants_json(request):
        response = _as_json(request, Outcome(problem=problem), None)
    else:
        context = {"problem": problem, "next": way_back(request)}
        response = render(request, PROBLEM_TEMPLATE, context, status=problem.status)
    return with_headers(response, problem)


def way_back(request: HttpRequest) -> str:
    """Return the address in ``next`` if it is on this site, else ``/``."""
    target = request.GET.get("next", "") if request.method in SAFE_METHODS else _posted(request, "next")
    safe = url_has_allowed_host_and_scheme(
        target, allowed_hosts={request.get_host()}, require_https=request.is_secure()
    )
    return target if safe else "/"


def _posted(request: HttpRequest, name: str) -> str:
    try:
        return str(request.POST.get(name, ""))
    except UNREADABLE:
        return ""


def _with_summary(outcome: Outcome) -> tuple[Outcome, Summary | None]:
    """Return the outcome and the figures of its order. Without figures, that is the problem unless the outcome says
    more."""
    try:
        summary = shown_summary(outcome.order)
    except PaymentStateError as error:
        PaymentEvents.order_not_shown.log(problem=str(error), error_code=error.code)
        summary = None
    if summary is None and not outcome.text:
        outcome = replace(outcome, problem=NOT_POSSIBLE)
    return outcome, None if summary is None else with_balances(summary)


def _as_json(request: HttpRequest, outcome: Outcome, summary: Summary | None) -> HttpResponse:
    document = document_of(outcome, summary, "" if brings_own_token(request) else get_token(request))
    # what the shop has not switched on is left out
    text = document.model_dump_json(exclude_unset=True)
    return HttpResponse(text, status=outcome.status, content_type="application/json")


def _as_block(request: HttpRequest, outcome: Outcome, summary: Summary) -> HttpResponse:
    context = block_context(summary, way_back(request), outcome, notice=outcome.text)
    response = render(request, TEMPLATE, context, status=outcome.status)
    response[FRAGMENT_HEADER] = "block"
    return response


def _as_redirect(request: HttpRequest, outcome: Outcome) -> HttpResponse:
    # a shop without messages: the voucher is held by now, and the block shows it
    if outcome.problem:
        from_block = way_back(request) != "/" and bool(_posted(request, "from_block"))
        if not remember_problem(request, outcome.problem, from_block=from_block):
            messages.error(request, outcome.text, fail_silently=True)
    elif outcome.message:
        messages.success(request, outcome.text, fail_silently=True)
    response = HttpResponseRedirect(way_back(request))
    response.status_code = 303
    return response


def with_headers(response: HttpResponse, problem: Problem | None) -> HttpResponse:
    patch_vary_headers(response, ["Accept", "Content-Type", "Cookie", FRAGMENT_HEADER])
    is_redirect = isinstance(response, HttpResponseRedirect)  # browsers would wait before following it
    if problem and problem.retry_after_seconds is not None and not is_redirect:
        response["Retry-After"] = str(max(ceil(problem.retry_after_seconds), 1))
    return response
