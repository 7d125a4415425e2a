"""Catalogue and basket."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from shop.basket import Basket
from shop.checkout import current_order, follow_basket
from shop.forms import QuantityForm
from shop.models import Product


@require_safe
def catalogue(request: HttpRequest) -> HttpResponse:
    """Show all teas."""
    return render(request, "shop/catalogue.html", {"products": Product.objects.all()})


@require_safe
def basket(request: HttpRequest) -> HttpResponse:
    """Show the basket."""
    return render(request, "shop/basket.html", {"basket": Basket(request), "order": current_order(request)})


@require_POST
def add(request: HttpRequest, slug: str) -> HttpResponse:
    """Add one of a tea to the basket."""
    product, found = get_object_or_404(Product, slug=slug), Basket(request)
    found.put(product, found.quantity_of(product) + 1)
    follow_basket(request)
    messages.success(request, _("%(tea)s is in your basket.") % {"tea": product.name})
    return redirect("catalogue")


@require_POST
def change(request: HttpRequest, slug: str) -> HttpResponse:
    """Change the quantity of a tea in the basket."""
    product, form = get_object_or_404(Product, slug=slug), QuantityForm(request.POST)
    if form.is_valid():
        Basket(request).put(product, form.cleaned_data["quantity"])
        follow_basket(request)
    else:
        messages.error(request, _("Please choose a quantity from 0 to 20."))
    return redirect("basket")
