"""Gift vouchers as a provider of django-payments: one ``Payment`` row is one order of the gateway.

``PAYMENT_VARIANTS`` names ``VoucherProvider`` and ``ORDER_ADAPTER`` names ``PaymentAdapter``; this package also stands
in ``INSTALLED_APPS``. The two names are loaded on first use: Django imports apps before there are models.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from voucher_payment_gateway.hosts.django_payments.adapter import PaymentAdapter
    from voucher_payment_gateway.hosts.django_payments.provider import VoucherProvider

__all__ = ["PaymentAdapter", "VoucherProvider"]

MODULES = {"PaymentAdapter": "adapter", "VoucherProvider": "provider"}


def __getattr__(name: str) -> Any:
    if name not in MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{MODULES[name]}"), name)
