"""``{% load voucher_payments %}``: the gift voucher block of the checkout, and the story of an order."""

from decimal import Decimal
from typing import Any

from django import template

from voucher_payment_gateway.checkout.forms import VoucherForm
from voucher_payment_gateway.checkout.story import story_of
from voucher_payment_gateway.checkout.summary import summarise
from voucher_payment_gateway.checkout.wording import amount_text

register = template.Library()


@register.inclusion_tag("voucher_payment_gateway/checkout.html", takes_context=True)
def voucher_payments(context: template.Context, order: Any, next: str = "") -> dict[str, Any]:
    """Render the gift vouchers of ``order``, what they cover, what is due, and the form for one more.

    The forms come back to ``next``, by default to the page they stand on. Never put the block inside a form.
    """
    request = context.get("request")
    return {
        "csrf_token": context.get("csrf_token"),
        "form": VoucherForm(),
        "next": next or (request.get_full_path() if request else ""),
        "summary": summarise(order),
    }


@register.inclusion_tag("voucher_payment_gateway/story.html")
def voucher_story(order: Any) -> dict[str, Any]:
    """Render what happened to the gift vouchers of ``order``, oldest first."""
    return {"lines": story_of(order)}


@register.filter
def voucher_amount(amount: Decimal, currency: str) -> str:
    """Write an amount as the visitor's locale does: ``{{ summary.due|voucher_amount:summary.currency }}``."""
    return amount_text(amount, currency)
