"""``{% load voucher_payments %}``: the gift voucher block of the checkout, its styles, the story of an order, and what
it has sold."""

from datetime import datetime
from decimal import Decimal
from typing import Any

from django import template

from voucher_payment_gateway.checkout.block import STORY_TEMPLATE, TEMPLATE, page_context, styles_link
from voucher_payment_gateway.checkout.history import story_of
from voucher_payment_gateway.checkout.security_policy import nonce_of
from voucher_payment_gateway.checkout.summary import is_missing
from voucher_payment_gateway.checkout.wording import amount_text, last_day_text, time_text
from voucher_payment_gateway.selling.sold_list import LIST_TEMPLATE, sold_lines

register = template.Library()


@register.simple_tag(takes_context=True)
def voucher_payments(context: Any, order: Any, next: str = "") -> str:
    """Render the gift vouchers of ``order``, the amounts covered and due, and the form for another one.

    The forms return to ``next``, by default to the current page. Never put the block inside a form. Nothing is
    rendered for an order without vouchers that none can pay.
    """
    request = context.get("request")
    values = page_context(request, order, next)
    if values is None:
        return ""
    values["csrf_token"] = context.get("csrf_token")
    block: str = context.template.engine.get_template(TEMPLATE).render(context.new(values))
    return block


@register.simple_tag(takes_context=True)
def voucher_story(context: Any, order: Any) -> str:
    """Render the story of the gift vouchers of ``order``, oldest operation first; nothing where there is no order."""
    if is_missing(order):
        return ""
    values = {"lines": story_of(order)}
    story: str = context.template.engine.get_template(STORY_TEMPLATE).render(context.new(values))
    return story


@register.simple_tag(takes_context=True)
def voucher_sales(context: Any, order: Any) -> str:
    """Render the gift vouchers that ``order`` has sold, with their state and the links to their pages: for its buyer
    alone. Nothing is rendered where it sold none."""
    lines = sold_lines(order)
    if not lines:
        return ""
    values = {"lines": lines}
    sold: str = context.template.engine.get_template(LIST_TEMPLATE).render(context.new(values))
    return sold


@register.simple_tag(takes_context=True)
def voucher_styles(context: Any) -> str:
    """Link the default stylesheet of the block and the story: put it into the head, before your own stylesheet."""
    return styles_link(nonce_of(context.get("request")))


@register.filter
def voucher_amount(amount: Decimal, currency: str) -> str:
    """Format an amount for the visitor's locale: ``{{ summary.due|voucher_amount:summary.currency }}``."""
    return amount_text(amount, currency)


@register.filter
def voucher_time(instant: datetime) -> str:
    """Format a time of day for the visitor's locale and time zone: ``{{ payment.reserved_until|voucher_time }}``."""
    return time_text(instant)


@register.filter
def voucher_last_day(end: datetime) -> str:
    """Format the last day of a voucher for the visitor's locale: ``{{ sale.valid_until|voucher_last_day }}``."""
    return last_day_text(end)
