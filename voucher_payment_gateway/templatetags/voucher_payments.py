"""``{% load voucher_payments %}``: the gift voucher block of the checkout, and the story of an order."""

from datetime import datetime
from decimal import Decimal
from typing import Any

from django import template

from voucher_payment_gateway.checkout.block import TEMPLATE, Outcome, block_context, recall_problem
from voucher_payment_gateway.checkout.history import story_of
from voucher_payment_gateway.checkout.summary import shown_summary
from voucher_payment_gateway.checkout.wording import amount_text, time_text

register = template.Library()


@register.simple_tag(takes_context=True)
def voucher_payments(context: Any, order: Any, next: str = "") -> str:
    """Render the gift vouchers of ``order``, the amounts covered and due, and the form for another one.

    The forms return to ``next``, by default to the current page. Never put the block inside a form. Nothing is
    rendered for an order without vouchers that none can pay.
    """
    summary = shown_summary(order)
    if summary is None:
        return ""
    request = context.get("request")
    address = next or (request.get_full_path() if request else "")
    outcome = Outcome(order, problem=recall_problem(request))
    values = {"csrf_token": context.get("csrf_token"), **block_context(summary, address, outcome)}
    block: str = context.template.engine.get_template(TEMPLATE).render(context.new(values))
    return block


@register.inclusion_tag("voucher_payment_gateway/story.html")
def voucher_story(order: Any) -> dict[str, Any]:
    """Render the story of the gift vouchers of ``order``, oldest operation first."""
    return {"lines": story_of(order)}


@register.filter
def voucher_amount(amount: Decimal, currency: str) -> str:
    """Format an amount for the visitor's locale: ``{{ summary.due|voucher_amount:summary.currency }}``."""
    return amount_text(amount, currency)


@register.filter
def voucher_time(instant: datetime) -> str:
    """Format a time of day for the visitor's locale and time zone: ``{{ payment.reserved_until|voucher_time }}``."""
    return time_text(instant)
