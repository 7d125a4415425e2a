"""The tags and filters of ``{% load voucher_payments %}`` for Jinja2, with the same output.

Name the extension in the options of Django's Jinja2 backend, or add it to an environment of your own::

    "OPTIONS": {"extensions": ["voucher_payment_gateway.jinja2.VoucherPayments"]}

The functions read ``request`` from the context of the page, as Django's backend and ``render`` put it there. The
templates of the block stay Django's: keep a ``DjangoTemplates`` backend next to the Jinja2 one.
"""

from typing import Any

from django.template.loader import render_to_string
from django.utils.safestring import SafeString
from jinja2 import Environment, pass_context
from jinja2.ext import Extension
from jinja2.runtime import Context, Undefined

from voucher_payment_gateway.checkout.block import STORY_TEMPLATE, TEMPLATE, page_context, styles_link
from voucher_payment_gateway.checkout.history import story_of
from voucher_payment_gateway.checkout.security_policy import nonce_of
from voucher_payment_gateway.checkout.summary import is_missing
from voucher_payment_gateway.checkout.wording import amount_text, last_day_text, time_text
from voucher_payment_gateway.selling.sold_list import LIST_TEMPLATE, sold_lines

__all__ = ["VoucherPayments"]


class VoucherPayments(Extension):
    """Adds the functions ``voucher_payments``, ``voucher_story``, ``voucher_sales`` and ``voucher_styles``, and the
    filters ``voucher_amount``, ``voucher_time`` and ``voucher_last_day``."""

    def __init__(self, environment: Environment) -> None:
        super().__init__(environment)
        environment.globals.update(
            voucher_payments=voucher_payments,
            voucher_story=voucher_story,
            voucher_sales=voucher_sales,
            voucher_styles=voucher_styles,
        )
        environment.filters.update(
            voucher_amount=amount_text, voucher_time=time_text, voucher_last_day=last_day_text
        )


@pass_context
def voucher_payments(context: Context, order: Any, next: str = "") -> SafeString:
    """Render the gift vouchers of ``order``: as the tag of the same name."""
    request = context.get("request")
    values = page_context(request, _known(order), next)
    return render_to_string(TEMPLATE, values, request) if values else SafeString()


@pass_context
def voucher_story(context: Context, order: Any) -> SafeString:
    """Render the story of the gift vouchers of ``order``: as the tag of the same name."""
    if is_missing(_known(order)):
        return SafeString()
    values = {"lines": story_of(order)}
    return render_to_string(STORY_TEMPLATE, values, context.get("request"))


@pass_context
def voucher_sales(context: Context, order: Any) -> SafeString:
    """Render the gift vouchers that ``order`` has sold: as the tag of the same name."""
    lines = sold_lines(_known(order))
    return (
        render_to_string(LIST_TEMPLATE, {"lines": lines}, context.get("request")) if lines else SafeString()
    )


@pass_context
def voucher_styles(context: Context) -> SafeString:
    """Link the default stylesheet: as the tag of the same name."""
    return styles_link(nonce_of(context.get("request")))


def _known(order: Any) -> Any:
    """Return the order, or None for a variable that the template does not know."""
    return None if isinstance(order, Undefined) else order
