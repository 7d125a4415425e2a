"""The local Voucher Cloud: a working test double of the remote API, for demos and tests.

    from voucher_payment_gateway.sandbox import LocalVoucherCloud, serve

    cloud = LocalVoucherCloud()
    voucher = cloud.add_voucher(code="GIFT-20", amount="20.00")
    with serve(cloud) as server:
        ...  # any client against server.base_url
    cloud.ledger.check()

The path of a request: ``server`` or ``transport`` → ``control`` (the page, or on to the API) → ``cloud`` → ``faults`` →
``http`` → ``routes`` → ``vouchers``, ``reservations``, ``charges`` or ``clients``, which change the ``store``. Each
booking is also entered in the ``ledger``, which checks the store.

It binds to loopback only and holds well-known credentials. Never use it in production.
"""

from voucher_payment_gateway.sandbox.behaviour import DOCUMENTED, HOSTILE, LENIENT, Behaviour
from voucher_payment_gateway.sandbox.clients import LOCAL_CLIENT_ID, LOCAL_CLIENT_SECRET, SCOPES
from voucher_payment_gateway.sandbox.clock import Clock
from voucher_payment_gateway.sandbox.cloud import (
    BookingView,
    ClientView,
    LocalVoucherCloud,
    RequestRecord,
    VoucherView,
)
from voucher_payment_gateway.sandbox.faults import Fault, Faults
from voucher_payment_gateway.sandbox.ledger import Entry, Ledger, LedgerError
from voucher_payment_gateway.sandbox.messages import Request, Response
from voucher_payment_gateway.sandbox.problems import ApiError
from voucher_payment_gateway.sandbox.server import LocalServer, serve
from voucher_payment_gateway.sandbox.transport import mock_transport

__all__ = [
    "DOCUMENTED",
    "HOSTILE",
    "LENIENT",
    "LOCAL_CLIENT_ID",
    "LOCAL_CLIENT_SECRET",
    "SCOPES",
    "ApiError",
    "Behaviour",
    "BookingView",
    "ClientView",
    "Clock",
    "Entry",
    "Fault",
    "Faults",
    "Ledger",
    "LedgerError",
    "LocalServer",
    "LocalVoucherCloud",
    "Request",
    "RequestRecord",
    "Response",
    "VoucherView",
    "mock_transport",
    "serve",
]
