"""The limit of Python: the books of ``by_orm`` in SQL on the driver's own cursor, and httpcore without httpx.

The statements and commits are the same four and two for each call.
"""

import json
from datetime import UTC, datetime
from secrets import token_hex
from typing import Any

import httpcore

from benchmarks.peers.by_orm import trusted
from benchmarks.peers.wire import HEADERS
from benchmarks.stub_cloud import Server

__all__ = ["Limit"]

PAYMENTS, OPERATIONS = "voucher_payment_gateway_voucherpayment", "voucher_payment_gateway_voucheroperation"
PAID = f"SELECT * FROM {PAYMENTS} WHERE order_number = %s"  # noqa: S608
AUTHORIZED = (
    f"UPDATE {PAYMENTS} SET status = 'authorized', amount_agreed = %s, amount_authorized = %s, voucher_id = %s, "  # noqa: S608
    "reservation_id = %s WHERE id = %s AND status = 'selected'"
)
NAME_RESERVATION = "UPDATE shop_order SET voucher_reservation_ids = %s WHERE id = %s"
SUCCEEDED = (
    f"UPDATE {OPERATIONS} SET state = 'succeeded', remote_id = %s, claim = %s WHERE id = %s AND claim = %s"  # noqa: S608
)
CAPTURED = (
    f"UPDATE {PAYMENTS} SET status = 'captured', amount_captured = amount_authorized, amount_authorized = 0 "  # noqa: S608
    "WHERE id = %s AND status = 'authorized'"
)


class Insert:
    """An INSERT of all columns, which are prepared once, with the values of one row in place of some."""

    def __init__(self, row: Any) -> None:
        from django.db import connection

        fields = [field for field in row._meta.concrete_fields if not field.primary_key]
        self._values = {
            field.column: field.get_db_prep_save(field.pre_save(row, add=True), connection)
            for field in fields
        }
        marks = ", ".join(["%s"] * len(fields))
        self.sql = (
            f"INSERT INTO {row._meta.db_table} ({', '.join(self._values)}) VALUES ({marks}) RETURNING id"  # noqa: S608
        )

    def values(self, **changed: object) -> list[object]:
        return list({**self._values, **changed}.values())


class Limit:
    """Pays orders, over one connection to the database and one to the server; ``close`` it at the end."""

    def __init__(self, server: Server) -> None:
        from django.db import connection

        from voucher_payment_gateway.models import VoucherOperation, VoucherPayment

        connection.ensure_connection()
        self._cursor = connection.connection.cursor()
        self._mark = "?" if connection.vendor == "sqlite" else "%s"
        self._payment = Insert(VoucherPayment(currency="EUR", status="selected"))
        self._charge = Insert(VoucherOperation(kind="charge", state="sending", currency="EUR", number=1))
        self._pool = httpcore.ConnectionPool(ssl_context=trusted(server))
        self._url = server.base_url
        headers = {**HEADERS, "Host": server.url.partition("://")[2], "Content-Type": "application/json"}
        self._headers = [(name.encode(), value.encode()) for name, value in headers.items()]

    def __call__(self, order: Any, code: str) -> None:
        self._capture(order.number, *self._authorize(order, code))

    def close(self) -> None:
        self._cursor.close()
        self._pool.close()

    def _authorize(self, order: Any, code: str) -> tuple[str, str, str]:
        self._run("BEGIN")
        if self._run(PAID, order.number).fetchall():
            raise RuntimeError("paid already")
        values = self._payment.values(order_number=order.number, code_hint=code[-4:])
        (payment,) = self._run(self._payment.sql, *values).fetchone()
        self._run("COMMIT")
        amount = str(order.total)
        held = self._post("/reservations", {"code": code, "amount": amount, "currency": order.currency})
        self._run("BEGIN")
        self._run(AUTHORIZED, amount, amount, held["voucher_id"], held["id"], payment)
        self._run(NAME_RESERVATION, json.dumps([held["id"]]), order.pk)
        self._run("COMMIT")
        return held["voucher_id"], held["id"], amount

    def _capture(self, number: str, voucher: str, reservation: str, amount: str) -> None:
        self._run("BEGIN")
        ((payment, *_),) = self._run(PAID, number).fetchall()
        claim, now = token_hex(16), datetime.now(UTC).replace(tzinfo=None).isoformat(" ")
        of_payment = {"payment_id": payment, "order_number": number, "voucher_id": voucher, "amount": amount}
        sent = {"target_id": reservation, "reference": f"{number}-1", "claim": claim, "sending_at": now}
        values = self._charge.values(**of_payment, **sent)
        (operation,) = self._run(self._charge.sql, *values).fetchone()
        self._run("COMMIT")
        booked = self._post(f"/reservations/{reservation}/charge", {"order_number": number})
        self._run("BEGIN")
        self._run(SUCCEEDED, booked["id"], token_hex(16), operation, claim)
        self._run(CAPTURED, payment)
        self._run("COMMIT")

    def _run(self, sql: str, *values: object) -> Any:
        return self._cursor.execute(sql.replace("%s", self._mark), values)

    def _post(self, path: str, body: dict[str, str]) -> Any:
        content = json.dumps(body).encode()
        headers = [*self._headers, (b"Content-Length", str(len(content)).encode())]
        answer = self._pool.request("POST", self._url + path, headers=headers, content=content)
        if answer.status >= 300:
            raise RuntimeError(answer.status)
        return json.loads(answer.content)
