"""The shop of one case: its order, its clock, its sweep."""

import http.client
import json
from contextlib import contextmanager
from datetime import timedelta
from decimal import Decimal
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.db.models import DateTimeField, F, QuerySet
from django.test import override_settings
from django.utils import timezone

from tests.shop.models import Order
from voucher_payment_gateway import connection, gateway
from voucher_payment_gateway.conf import gateway_settings
from voucher_payment_gateway.models import (
    VoucherGatewayState,
    VoucherIdempotencyKey,
    VoucherOperation,
    VoucherPayment,
    VoucherSale,
)

__all__ = [
    "ANOTHER",
    "BATCH",
    "CODES_KEPT",
    "CONFIRMED_KEPT",
    "NUMBER",
    "TRAILING_READ",
    "another_order",
    "connected_to",
    "delete_all_rows",
    "later",
    "open_operations",
    "open_sales",
    "order",
    "settle_until_nothing_is_open",
    "until_next",
]

NUMBER, ANOTHER, BATCH = "K-1001", "K-1002", "BATCH-1"
MODELS = (VoucherOperation, VoucherIdempotencyKey, VoucherPayment, VoucherSale)
LEASE_SECONDS = 120
MAX_ROUNDS = 150
TRAILING_READ, CODES_KEPT, CONFIRMED_KEPT = 3 * 3600, 48 * 3600, 31 * 24 * 3600
"""Seconds until the last read is due, until the codes of unconfirmed orders are erased, and until all are."""


@contextmanager
def connected_to(base_url: str, **changes: Any):
    """Connect the gateway of this process to the Voucher Cloud at ``base_url``, with these settings of the shop."""
    changed = {**settings.VOUCHER_PAYMENT_GATEWAY, "BASE_URL": base_url, **changes}
    with override_settings(VOUCHER_PAYMENT_GATEWAY=changed):
        yield


def order(total: str | None = None, **fields: Any) -> Order:
    """Return the order as it stands in the database; with a total it is created."""
    if total is not None:
        return Order.objects.create(number=NUMBER, total=Decimal(total), **fields)
    return Order.objects.get(number=NUMBER)


def another_order(total: str) -> Order:
    """Create an order that the scenario itself does not use."""
    return Order.objects.create(number=ANOTHER, total=Decimal(total))


def delete_all_rows() -> None:
    """Delete all rows, and close the client."""
    connection.close()
    VoucherSale.objects.update(replaces_refund=None)
    for model in (*MODELS, VoucherGatewayState, Order):
        model.objects.all()._raw_delete("default")


def later(seconds: float) -> None:
    """Let time pass: move every instant in our rows into the past, and advance the Voucher Cloud's clock."""
    delta = timedelta(seconds=seconds)
    for model in MODELS:
        instants = [field.name for field in model._meta.fields if isinstance(field, DateTimeField)]
        model.objects.update(**{name: F(name) - delta for name in instants})
    _post("/sandbox/clock", {"advance_seconds": seconds})


def settle_until_nothing_is_open() -> None:
    """Run the sweep whenever something is due, until nothing is open."""
    for _ in range(MAX_ROUNDS):
        later(until_next())
        gateway.settle()
        if not open_operations().exists() and not open_sales().exists():
            return


def until_next() -> float:
    """Return the seconds until an operation, a sale or a delivery is due, or a worker's lease has expired."""
    now, waiting = (
        timezone.now(),
        [*open_operations().exclude(state="sending").values_list("due_at", flat=True)],
    )
    at_work = {operation.sale_id for operation in open_operations()}
    for sale in open_sales():
        waiting += [None if sale.pk in at_work else sale.due_at, sale.deliver_due_at]
    wait = min(((at - now).total_seconds() for at in waiting if at), default=0)
    return max(wait + 1, LEASE_SECONDS if open_operations().filter(state="sending").exists() else 1)


def open_operations() -> QuerySet[VoucherOperation]:
    """Return the undecided operations."""
    return VoucherOperation.objects.filter(state__in=("due", "sending", "unknown"))


def open_sales() -> QuerySet[VoucherSale]:
    """Return the sales that are not yet what the shop wants, or whose code was not handed over yet."""
    return VoucherSale.objects.exclude(due_at=None, deliver_due_at=None)


def _post(path: str, body: dict[str, Any]) -> None:
    host = http.client.HTTPConnection(urlsplit(gateway_settings().base_url).netloc)
    try:
        host.request("POST", path, json.dumps(body), {"Content-Type": "application/json"})
        answer = host.getresponse()
        if answer.status != http.client.OK:
            raise RuntimeError(f"{path}: {answer.status} {answer.read()!r}")
    finally:
        host.close()
