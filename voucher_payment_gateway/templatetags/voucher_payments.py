"""``{% load voucher_payments %}``: the gift voucher block of the checkout, and the story of an order."""

from datetime import datetime
from decimal import Decimal
from typing import Any

from django import template

from voucher_payment_gateway.checkout.block import TEMPLATE, Outcome, block_context, recall_problem
from voucher_payment_gateway.checkout.history import story_of
from voucher_payment_gateway.checkout.wording import amount_text, time_text

register = template.Library()


@register.inclusion_tag(TEMPLATE, takes_context=True)
def voucher_payments(context: template.Context, order: Any, next: str = "") -> dict[str, Any]:
    """Render the gift vouchers of ``order``, what they cover, what is due, and the form for one more.

    The forms come back to ``next``, by default to the page they stand on. Never put the block inside a form.
    """
    request = context.get("request")
    address = next or (request.get_full_path() if request else "")
    outcome = Outcome(order, problem=recall_problem(request))
    return {"csrf_token": context.get("csrf_token"), **block_context(order, address, outcome)}


@register.inclusion_tag("voucher_payment_gateway/story.html")
def voucher_story(order: Any) -> dict[str, Any]:
    """Render what happened to the gift vouchers of ``order``, oldest first."""
    return {"lines": story_of(order)}


@register.filter
def voucher_amount(amount: Decimal, currency: str) -> str:
    """Write an amount as the visitor's locale does: ``{{ summary.due|voucher_amount:summary.currency }}``."""
    return amount_text(amount, currency)


@register.filter
def voucher_time(instant: datetime) -> str:
    """Write a time of day as the visitor's locale and time zone do: ``{{ payment.reserved_until|voucher_time }}``."""
    return time_text(instant)
