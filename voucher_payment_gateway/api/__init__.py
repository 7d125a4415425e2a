"""The client of the Voucher Cloud API 1.8: usable without Django, for threads and for tasks.

with VoucherCloud(client_id=..., client_secret=..., base_url=SANDBOX) as cloud:
    held = cloud.reserve(code=..., amount=Decimal("10.00"), currency="EUR")
    booked = cloud.charge(held.id, "ORDER-1")
"""

from voucher_payment_gateway.api._async_clients import AsyncVoucherCloud
from voucher_payment_gateway.api._clients import VoucherCloud
from voucher_payment_gateway.api._config import PRODUCTION, SANDBOX
from voucher_payment_gateway.api._http.send_window import send_before
from voucher_payment_gateway.api._tokens import Token, TokenStore
from voucher_payment_gateway.api.wire import Charge, ClientCredentials, CompleteVoucher, Reservation, Voucher

__all__ = [
    "PRODUCTION",
    "SANDBOX",
    "AsyncVoucherCloud",
    "Charge",
    "ClientCredentials",
    "CompleteVoucher",
    "Reservation",
    "Token",
    "TokenStore",
    "Voucher",
    "VoucherCloud",
    "send_before",
]
