"""The customer's own pages: their vouchers, one of them with its history, and the balance of a code."""

from typing import Any

from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.middleware.csrf import get_token
from django.shortcuts import render
from django.utils.cache import patch_vary_headers
from django.utils.safestring import mark_safe
from django.views.decorators.debug import sensitive_variables

from voucher_payment_gateway import throttle
from voucher_payment_gateway.checkout.block import styles_link
from voucher_payment_gateway.checkout.decorators import endpoint
from voucher_payment_gateway.checkout.forms import VoucherForm
from voucher_payment_gateway.checkout.problems import CODE_MISSING, Problem, problem_of
from voucher_payment_gateway.checkout.requests import brings_own_token, entered, wants_json
from voucher_payment_gateway.checkout.responses import SAFE_METHODS, with_headers
from voucher_payment_gateway.checkout.security_policy import nonce_of
from voucher_payment_gateway.codes import is_blank
from voucher_payment_gateway.conf import gateway_settings
from voucher_payment_gateway.customer.documents import (
    balance_document,
    history_document,
    voucher_document,
)
from voucher_payment_gateway.customer.own_vouchers import (
    OwnVoucher,
    history_of,
    own_vouchers,
    with_balances,
)
from voucher_payment_gateway.exceptions import VoucherGatewayError
from voucher_payment_gateway.gateway.verbs.check_balance import VoucherBalance, check_balance
from voucher_payment_gateway.sealing import Secret

__all__ = ["balance", "check", "mine"]

FOLDER = "voucher_payment_gateway"
STYLES = (f"{FOLDER}/sold.css", f"{FOLDER}/customer.css")

PER_PAGE = 10
"""Vouchers on one page: each costs a call."""


@endpoint("GET")
def mine(request: HttpRequest) -> HttpResponse:
    """Show the visitor's vouchers, ten on a page; with ``?voucher=`` one of them and its history. Not found without
    ``CUSTOMER_ORDERS``."""
    if not gateway_settings().CUSTOMER_ORDERS:
        raise Http404
    vouchers = own_vouchers(request)
    key = request.GET.get("voucher", "")
    if key:
        found = next((each for each in vouchers if each.key == key), None)
        if found is None:
            raise Http404
        return _one(request, found)
    page = Paginator(vouchers, PER_PAGE).get_page(request.GET.get("page"))
    shown = with_balances(list(page.object_list))
    if wants_json(request):
        document = {"vouchers": [voucher_document(each) for each in shown], "pages": page.paginator.num_pages}
        return _private(JsonResponse(document))
    return _private(_page(request, "my_vouchers.html", {"vouchers": shown, "page": page}))


def _one(request: HttpRequest, own: OwnVoucher) -> HttpResponse:
    with_balances([own])
    history = history_of(own) if own.sale is None or own.sale.status == "active" else []
    if wants_json(request):
        return _private(JsonResponse({**voucher_document(own), "history": history_document(history)}))
    return _private(_page(request, "my_voucher.html", {"voucher": own, "history": history}))


@endpoint("GET")
def balance(request: HttpRequest) -> HttpResponse:
    """Show the form that asks for a code. Not found without ``BALANCE_CHECK``."""
    _refuse_unless_on()
    return _private(_answer(request, None, None))


@endpoint("POST")
@sensitive_variables()
def check(request: HttpRequest) -> HttpResponse:
    """Tell the balance of a code: throttled like a redemption, and answered alike for every unusable code."""
    _refuse_unless_on()
    secret = entered(request)
    if is_blank(secret.code):
        return _private(_answer(request, None, CODE_MISSING))
    found, problem = _checked(request, secret)
    return _private(_answer(request, found, problem))


def _checked(request: HttpRequest, secret: Secret) -> tuple[VoucherBalance | None, Problem | None]:
    try:
        with throttle.attempt(request):
            return check_balance(secret.code, pin=secret.pin), None
    except VoucherGatewayError as error:
        return None, problem_of(error)


def _refuse_unless_on() -> None:
    if not gateway_settings().BALANCE_CHECK:
        raise Http404


def _answer(request: HttpRequest, found: VoucherBalance | None, problem: Problem | None) -> HttpResponse:
    status = problem.status if problem else 200
    if wants_json(request):
        document = balance_document(found, problem)
        document["csrf_token"] = "" if brings_own_token(request) else get_token(request)
        response: HttpResponse = JsonResponse(document, status=status)
    else:
        facts: dict[str, Any] = {"balance": found, "problem": problem, "form": VoucherForm(problem=problem)}
        facts["check_address"] = "check/" if request.method in SAFE_METHODS else ""
        response = _page(request, "balance.html", facts, status=status)
    return with_headers(response, problem)


def _page(request: HttpRequest, name: str, facts: dict[str, Any], status: int = 200) -> HttpResponse:
    links = [styles_link(nonce_of(request), sheet) for sheet in STYLES]
    shop = {"styles": mark_safe("".join(links)), "shop_url": gateway_settings().SHOP_URL}  # noqa: S308  made here
    return render(request, f"{FOLDER}/{name}", facts | shop, status=status)


def _private(response: HttpResponse) -> HttpResponse:
    """Keep a page private: search engines do not list it, and other sites do not see its address."""
    patch_vary_headers(response, ["Accept", "Cookie"])
    response["X-Robots-Tag"], response["Referrer-Policy"] = "noindex", "same-origin"
    return response
