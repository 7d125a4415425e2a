"""The visitor of a shop that has no page of its own for codes, or whose page the suite does not use."""

import secrets
from types import SimpleNamespace
from typing import Any

from django.core.cache import caches
from django.core.cache.backends.locmem import LocMemCache
from django.test import RequestFactory

from voucher_payment_gateway import checkout, gateway
from voucher_payment_gateway.models import VoucherPayment
from voucher_payment_gateway.sealing import hint
from voucher_payment_gateway.short_memory import PROCESS_CACHE

__all__ = ["arrive", "enter_voucher", "remove_voucher"]


def arrive(suite: Any) -> None:
    """Let a new visitor come, with a session and an address of their own. What this process counted of earlier ones is
    forgotten: a shop's own views see the address of the test client alone."""
    PROCESS_CACHE.clear()
    for cache in caches.all(initialized_only=True):
        if isinstance(cache, LocMemCache):
            cache.clear()
    suite.session_key = secrets.token_hex(8)
    suite.address = f"198.51.{secrets.randbelow(256)}.{secrets.randbelow(256)}"


def enter_voucher(suite: Any, order: Any, code: str, pin: str) -> None:
    """Enter a code as a page of the shop would. Raises the errors of ``checkout.enter_voucher``."""
    request: Any = RequestFactory().post("/", REMOTE_ADDR=suite.address)
    request.session = SimpleNamespace(session_key=suite.session_key)
    checkout.enter_voucher(request, suite.reload(order), code, pin=pin)


def remove_voucher(order_number: str, code: str) -> None:
    """Take the payments of an order with a voucher off it; the voucher is known by the end of its code."""
    for payment in VoucherPayment.objects.filter(order_number=order_number, code_hint=hint(code)):
        gateway.cancel(payment)
