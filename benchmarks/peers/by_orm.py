"""The gateway's own books, written by hand with Django's ORM, and httpx.

Each call is written down and committed before it is sent, and its outcome after it: four statements and two commits for
each call, a connection that is kept, and nothing else. No checks, no second voucher, no sealed code, no late answer.
"""

import ssl
from secrets import token_hex
from typing import Any

import httpx

from benchmarks.peers.wire import HEADERS
from benchmarks.stub_cloud import Server

__all__ = ["ByOrm", "trusted"]


def trusted(server: Server) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=server.ca_file or None)


class ByOrm:
    """Pays orders; ``close`` it at the end."""

    def __init__(self, server: Server) -> None:
        self._client = httpx.Client(verify=trusted(server), headers=HEADERS, trust_env=False)
        self._url = server.base_url

    def __call__(self, order: Any, code: str) -> None:
        self._authorize(order, code)
        self._capture(order)

    def close(self) -> None:
        self._client.close()

    def _authorize(self, order: Any, code: str) -> None:
        from django.db import transaction

        from voucher_payment_gateway.models import VoucherPayment

        with transaction.atomic():
            if list(VoucherPayment.objects.filter(order_number=order.number)):
                raise RuntimeError("paid already")
            payment = VoucherPayment.objects.create(
                order_number=order.number, currency=order.currency, code_hint=code[-4:], status="selected"
            )
        body = {"code": code, "amount": f"{order.total:.2f}", "currency": order.currency}
        held = self._post("/reservations", body)
        with transaction.atomic():
            VoucherPayment.objects.filter(pk=payment.pk, status="selected").update(
                status="authorized",
                amount_agreed=order.total,
                amount_authorized=order.total,
                voucher_id=held["voucher_id"],
                reservation_id=held["id"],
            )
            type(order).objects.filter(pk=order.pk).update(voucher_reservation_ids=[held["id"]])

    def _capture(self, order: Any) -> None:
        from django.db import transaction

        from voucher_payment_gateway.models import VoucherOperation, VoucherPayment

        with transaction.atomic():
            (payment,) = VoucherPayment.objects.filter(order_number=order.number)
            operation = VoucherOperation.objects.create(**_charge(payment))
        path = f"/reservations/{payment.reservation_id}/charge"
        booked = self._post(path, {"order_number": order.number})
        with transaction.atomic():
            VoucherOperation.objects.filter(pk=operation.pk, claim=operation.claim).update(
                state="succeeded", remote_id=booked["id"], claim=token_hex(16)
            )
            VoucherPayment.objects.filter(pk=payment.pk, status="authorized").update(
                status="captured", amount_captured=payment.amount_authorized, amount_authorized=0
            )

    def _post(self, path: str, body: dict[str, str]) -> Any:
        return self._client.post(self._url + path, json=body).raise_for_status().json()


def _charge(payment: Any) -> dict[str, Any]:
    from django.utils import timezone

    return {
        "payment": payment,
        "order_number": payment.order_number,
        "number": 1,
        "voucher_id": payment.voucher_id,
        "kind": "charge",
        "amount": payment.amount_authorized,
        "currency": payment.currency,
        "state": "sending",
        "claim": token_hex(16),
        "target_id": payment.reservation_id,
        "reference": f"{payment.order_number}-1",
        "sending_at": timezone.now(),
    }
