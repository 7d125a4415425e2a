"""A provider of django-payments for vouchers, as its documentation says to write one."""

from decimal import Decimal
from typing import Any

import requests
from payments import PaymentStatus
from payments.core import BasicProvider

from benchmarks.peers.wire import HEADERS

__all__ = ["RequestsProvider"]


class RequestsProvider(BasicProvider):
    """Reserves when the form is sent, charges when the payment is captured."""

    base_url, ca_file = "", ""

    def get_form(self, payment: Any, data: Any = None) -> None:
        body = {"code": data["code"], "amount": f"{payment.total:.2f}", "currency": payment.currency}
        payment.transaction_id = self._post("/reservations", body)["id"]
        payment.save()
        payment.change_status(PaymentStatus.PREAUTH)

    def capture(self, payment: Any, amount: Decimal | None = None) -> Decimal:
        path = f"/reservations/{payment.transaction_id}/charge"
        booked = self._post(path, {"order_number": payment.order_number})
        payment.transaction_id = booked["id"]
        payment.captured_amount = Decimal(booked["amount"])
        payment.save()
        return payment.captured_amount

    def _post(self, path: str, body: dict[str, str]) -> Any:
        verify = self.ca_file or True
        answer = requests.post(self.base_url + path, json=body, headers=HEADERS, verify=verify, timeout=10)
        answer.raise_for_status()
        return answer.json()
