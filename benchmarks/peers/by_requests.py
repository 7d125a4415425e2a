"""Written by hand: ``requests.post``, a connection for each call, and ``order.save()``. No books, no second try."""

from collections.abc import Callable
from typing import Any

import requests

from benchmarks.peers.wire import HEADERS
from benchmarks.stub_cloud import Server

__all__ = ["django_payments", "hand_written"]

Pay = Callable[[Any, str], object]


def hand_written(server: Server) -> Pay:
    def post(path: str, body: dict[str, str]) -> Any:
        verify = server.ca_file or True
        answer = requests.post(server.base_url + path, json=body, headers=HEADERS, verify=verify, timeout=10)
        answer.raise_for_status()
        return answer.json()

    def pay(order: Any, code: str) -> None:
        body = {"code": code, "amount": f"{order.total:.2f}", "currency": order.currency}
        held = post("/reservations", body)
        order.voucher_reservation_ids, order.status = [held["id"]], "authorized"
        order.save()
        post(f"/reservations/{held['id']}/charge", {"order_number": order.number})
        order.status = "captured"
        order.save()

    return pay


def django_payments(server: Server) -> Pay:
    from payments import PaymentStatus

    from benchmarks.peers.models import Payment
    from benchmarks.peers.provider import RequestsProvider

    RequestsProvider.base_url, RequestsProvider.ca_file = server.base_url, server.ca_file

    def pay(order: Any, code: str) -> None:
        payment = Payment.objects.create(
            variant="by_requests", order_number=order.number, total=order.total, currency=order.currency
        )
        payment.get_form({"code": code})
        payment.capture()
        if payment.status != PaymentStatus.CONFIRMED:
            raise RuntimeError(payment.status)

    return pay
