"""The page of a sold voucher, behind a signed link: it shows the code until the visitor has confirmed it. And the list
of what the visitor's order has sold.

Nothing but a POST confirms, so the preview of a messenger or a browser that fetches ahead does not. The link is the
authority: no session, no cookie, no account. Whoever does not know it cannot forge a request either.
"""

from collections.abc import Callable
from functools import wraps

from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.shortcuts import render
from django.utils import translation
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST, require_safe

from voucher_payment_gateway.checkout.block import styles_link
from voucher_payment_gateway.checkout.decorators import endpoint, hide_input
from voucher_payment_gateway.checkout.requests import checkout_order
from voucher_payment_gateway.checkout.responses import with_headers
from voucher_payment_gateway.checkout.security_policy import nonce_of
from voucher_payment_gateway.conf import gateway_settings
from voucher_payment_gateway.delivery.links import page_path, sale_of_link
from voucher_payment_gateway.endpoint_addresses import MARK
from voucher_payment_gateway.gateway.records.conflicts import non_atomic
from voucher_payment_gateway.gateway.verbs.hand_over import confirm_seen
from voucher_payment_gateway.models import VoucherSale
from voucher_payment_gateway.opaque import strip_traceback
from voucher_payment_gateway.sealing import unseal
from voucher_payment_gateway.selling import pdf
from voucher_payment_gateway.selling.pages import page_facts, state_of
from voucher_payment_gateway.selling.sold_list import sold_document

__all__ = ["as_pdf", "page", "seen", "sold", "to_print"]

PAGE_TEMPLATE = "voucher_payment_gateway/sold_page.html"
PRINT_TEMPLATE = "voucher_payment_gateway/sold_print.html"

STYLES = "voucher_payment_gateway/sold.css"

HEADERS = {"Referrer-Policy": "no-referrer", "X-Robots-Tag": "noindex, nofollow"}

SaleView = Callable[[HttpRequest, VoucherSale], HttpResponse]
LinkView = Callable[[HttpRequest, str], HttpResponse]


def behind_link(view: SaleView) -> LinkView:
    """Turn a view of a sale into one of its signed link. Any other link, and a sale that has no page, is not found."""

    @csrf_exempt  # the link is a token that no other site knows; with no-referrer browsers send no Origin to check
    @non_atomic
    @never_cache
    @wraps(view)
    def answer(request: HttpRequest, link: str) -> HttpResponse:
        hide_input(request)
        sale = sale_of_link(link)
        if sale is None or sale.delivery != "page":
            raise Http404
        with translation.override(sale.language or translation.get_language()):
            response = view(request, sale)
        for name, value in HEADERS.items():
            response[name] = value
        return response

    setattr(answer, MARK, f"sold_{view.__name__}")
    return answer


@endpoint("GET")
def sold(request: HttpRequest) -> HttpResponse:
    """List what the visitor's order has sold, as JSON; the codes are on its pages."""
    response = JsonResponse(sold_document(checkout_order(request)))
    for name, value in HEADERS.items():
        response[name] = value
    return with_headers(response, None)


@behind_link
@require_safe
def page(request: HttpRequest, sale: VoucherSale) -> HttpResponse:
    """Show the code, until it was confirmed; or why there is none."""
    return _rendered(request, sale, PAGE_TEMPLATE)


@behind_link
@require_POST
def seen(request: HttpRequest, sale: VoucherSale) -> HttpResponse:
    """Note that the visitor has saved the code, and erase it here."""
    if state_of(sale) == "shown":
        confirm_seen(sale)
    return HttpResponseRedirect(page_path(sale), status=303)


@behind_link
@require_safe
def to_print(request: HttpRequest, sale: VoucherSale) -> HttpResponse:
    """Show the voucher as it is printed; once it shows no code any more, the page says why."""
    if state_of(sale) != "shown":
        return HttpResponseRedirect(page_path(sale))
    return _rendered(request, sale, PRINT_TEMPLATE)


@behind_link
@require_safe
@strip_traceback
def as_pdf(request: HttpRequest, sale: VoucherSale) -> HttpResponse:
    """Send the voucher as a PDF, where the extra ``pdf`` is installed."""
    if not pdf.is_installed():
        raise Http404
    secret = unseal(sale.sealed_code) if state_of(sale) == "shown" else None
    if secret is None:
        return HttpResponseRedirect(page_path(sale))
    response = HttpResponse(pdf.as_pdf(sale, secret), content_type="application/pdf")
    name = _("gift-voucher")
    response["Content-Disposition"] = f'attachment; filename="{name}.pdf"'
    return response


@strip_traceback
def _rendered(request: HttpRequest, sale: VoucherSale, template: str) -> HttpResponse:
    facts = page_facts(sale, state_of(sale))
    shop = {"shop_url": gateway_settings().SHOP_URL, "styles": styles_link(nonce_of(request), STYLES)}
    return render(request, template, facts | shop)
