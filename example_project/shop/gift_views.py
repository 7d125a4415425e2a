"""The page that sells gift vouchers, and tops them up."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from shop.checkout import follow_basket
from shop.gift_basket import MAX_GIFTS, Gift, GiftBasket
from shop.gift_forms import AmountForm, GiftForm
from shop.gift_sales import own_sale
from voucher_payment_gateway.models import VoucherSale

__all__ = ["gift", "remove"]


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def gift(request: HttpRequest) -> HttpResponse:
    """Show the form of a gift voucher, and put what it says into the basket. ``?top_up=`` names a voucher to top up."""
    wanted = request.GET.get("top_up", "")
    sale = own_sale(request, wanted) if wanted else None
    if wanted and sale is None:
        messages.error(request, _("This gift voucher cannot be topped up."))
        return redirect(reverse("voucher_payment_gateway:mine"))
    form = _form(request, sale)
    if request.method == "POST" and form.is_valid():
        return _put(request, form, sale)
    status = 422 if form.errors else 200
    return render(request, "shop/gift.html", {"form": form, "sale": sale}, status=status)


def _form(request: HttpRequest, sale: VoucherSale | None) -> AmountForm:
    data = request.POST if request.method == "POST" else None
    return (AmountForm if sale else GiftForm)(data, label_suffix="", initial={"amount": "50"})


def _put(request: HttpRequest, form: AmountForm, sale: VoucherSale | None) -> HttpResponse:
    basket = GiftBasket(request.session)
    if len(basket) >= MAX_GIFTS:
        messages.error(request, _("Your basket holds at most %(most)s gift vouchers.") % {"most": MAX_GIFTS})
        return redirect("basket")
    basket.put(_topped_up(form, sale) if sale else _gift_of(form))
    follow_basket(request)
    messages.success(request, _("The gift voucher is in your basket."))
    return redirect("basket")


def _topped_up(form: AmountForm, sale: VoucherSale) -> Gift:
    return Gift(amount=form.worth, top_up=sale.pk, hint=sale.code_hint)


def _gift_of(form: AmountForm) -> Gift:
    names = ("recipient_email", "recipient_name", "message", "deliver_on")
    given = {name: form.cleaned_data[name] for name in names}
    return Gift(amount=form.worth, language=get_language() or "", **given)


@require_POST
def remove(request: HttpRequest, gift_id: str) -> HttpResponse:
    """Take a gift voucher out of the basket."""
    if GiftBasket(request.session).remove(gift_id):
        follow_basket(request)
    return redirect("basket")
