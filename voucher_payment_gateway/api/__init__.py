"""The client of the Voucher Cloud API 1.8: usable without Django, for threads and for tasks.

with VoucherCloud(client_id=..., client_secret=..., base_url=SANDBOX) as cloud:
    held = cloud.reserve(code=..., amount=Decimal("10.00"), currency="EUR")
    booked = cloud.charge(held.id, "ORDER-1")

Each name is imported with its first use: the addresses and types do not load the HTTP library, the clients do.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from voucher_payment_gateway.api._async_clients import AsyncVoucherCloud
    from voucher_payment_gateway.api._clients import VoucherCloud
    from voucher_payment_gateway.api._config import PRODUCTION, SANDBOX
    from voucher_payment_gateway.api._http.send_window import send_before
    from voucher_payment_gateway.api._tokens import Token, TokenStore
    from voucher_payment_gateway.api.limits import Limits, LimitStore, patiently
    from voucher_payment_gateway.api.wire import (
        Charge,
        ClientCredentials,
        CompleteVoucher,
        Reservation,
        Voucher,
    )

__all__ = [
    "PRODUCTION",
    "SANDBOX",
    "AsyncVoucherCloud",
    "Charge",
    "ClientCredentials",
    "CompleteVoucher",
    "LimitStore",
    "Limits",
    "Reservation",
    "Token",
    "TokenStore",
    "Voucher",
    "VoucherCloud",
    "patiently",
    "send_before",
]

MODULES = {
    **dict.fromkeys(("PRODUCTION", "SANDBOX"), "_config"),
    "AsyncVoucherCloud": "_async_clients",
    **dict.fromkeys(("Charge", "ClientCredentials", "CompleteVoucher", "Reservation", "Voucher"), "wire"),
    **dict.fromkeys(("LimitStore", "Limits", "patiently"), "limits"),
    **dict.fromkeys(("Token", "TokenStore"), "_tokens"),
    "VoucherCloud": "_clients",
    "send_before": "_http.send_window",
}


def __getattr__(name: str) -> Any:
    """Import one of them. Python calls this for a name that the module does not have (PEP 562)."""
    if name not in MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{MODULES[name]}"), name)
