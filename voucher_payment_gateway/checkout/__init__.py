"""The customer's side: enter a gift voucher, see how much it covers, take it off the order again.

Include ``voucher_payment_gateway.checkout.urls`` in the URLs of the shop, name the order of the visitor in
``CHECKOUT_ORDER``, and put ``{% load voucher_payments %}{% voucher_payments order %}`` into the page.

For views of the shop's own: ``enter_voucher`` reserves the voucher of an entered code, ``error_message`` says in the
customer's language why that failed, ``summarise`` returns the figures that the block shows.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from voucher_payment_gateway.checkout.problems import error_message
    from voucher_payment_gateway.checkout.redeem import enter_voucher
    from voucher_payment_gateway.checkout.summary import summarise

__all__ = ["enter_voucher", "error_message", "summarise"]

MODULES = {"enter_voucher": "redeem", "error_message": "problems", "summarise": "summary"}
"""Where they are; imported with their first use, not when Django starts."""


def __getattr__(name: str) -> Any:
    """Import one of them. Python calls this for a name that the module does not have (PEP 562)."""
    if name not in MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{MODULES[name]}"), name)
