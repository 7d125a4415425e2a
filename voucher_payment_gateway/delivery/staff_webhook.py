"""The webhook that tells staff, or a program of theirs, of cases: a signed POST with JSON."""

import hashlib
import hmac
import json
import time
from typing import Any

from voucher_payment_gateway.conf import StaffNotices, gateway_settings
from voucher_payment_gateway.delivery.staff_cases import Case, Notice

__all__ = ["SIGNATURE", "VERSION", "WebhookNotTakenError", "send_staff_webhook"]

VERSION = 1
"""Raised only if a key changes its meaning or goes; a new key may come without."""

SIGNATURE = "Voucher-Signature"


class WebhookNotTakenError(Exception):
    """The receiver did not answer with a status from 200 to 299. The text says what it did, and repeats no body."""


def send_staff_webhook(notice: Notice, to: StaffNotices) -> None:
    """POST the notice. A repeated one has the same ``Idempotency-Key``.

    Raises WebhookNotTakenError; without a status it was perhaps taken.
    """
    from voucher_payment_gateway.api.webhook import post  # it loads the HTTP library

    body = json.dumps(_document(notice), ensure_ascii=True, separators=(",", ":")).encode("ascii")
    headers = {
        "Content-Type": "application/json",
        "Idempotency-Key": str(notice.id),
        SIGNATURE: _signature(str(to.webhook_secret), body),
    }
    status = post(to.webhook, headers, body)
    if status is None:
        raise WebhookNotTakenError("no_answer")
    if not 200 <= status < 300:
        raise WebhookNotTakenError(f"status_{status}")


def _signature(secret: str, body: bytes) -> str:
    """Return the time in seconds since 1970, and the HMAC-SHA256 of it, a dot and the body."""
    signed_at = int(time.time())
    digest = hmac.new(secret.encode(), f"{signed_at}.".encode() + body, hashlib.sha256).hexdigest()
    return f"t={signed_at},v1={digest}"


def _document(notice: Notice) -> dict[str, Any]:
    return {
        "version": VERSION,
        "id": str(notice.id),
        "shop_url": gateway_settings().SHOP_URL,
        "attention_url": notice.attention_url,
        "total": notice.total,
        "counts": notice.counts,
        "cases": [_case(case) for case in notice.cases],
    }


def _case(case: Case) -> dict[str, Any]:
    amount = None if case.amount is None else f"{case.amount:.2f}"
    return case._asdict() | {"amount": amount, "since": case.since.isoformat()}
