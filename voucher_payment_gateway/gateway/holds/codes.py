"""Prepare a typed code and PIN for sending.

It is not known whether the Voucher Cloud compares case, so a code is sent as typed, except for invisible characters
(``codes.tidy``). ``CODE_PATTERN`` and ``CODE_NORMALISER`` let a shop do more.
"""

import re
from datetime import datetime, timedelta
from typing import Any

from django.utils import timezone
from django.utils.module_loading import import_string

from voucher_payment_gateway.codes import MAX_LENGTH, MAX_TYPED_LENGTH, tidy
from voucher_payment_gateway.conf import gateway_settings
from voucher_payment_gateway.exceptions import VoucherUnusableError
from voucher_payment_gateway.log_events import PaymentEvents
from voucher_payment_gateway.opaque import Opaque
from voucher_payment_gateway.sealing import Secret, fingerprint, seal

__all__ = ["clean_code", "code_expiry", "sealed_fields"]


def clean_code(code: str | Opaque, pin: str | Opaque) -> Secret:
    """Return code and PIN as they will be sent. Raises VoucherUnusableError where the text cannot be a code; nothing is
    sent then."""
    secret = Secret(_normalised(_tidied(Opaque(code))), _tidied(Opaque(pin)))
    pattern = re.compile(gateway_settings().CODE_PATTERN or r"(?s).*")
    if not secret.code or not pattern.fullmatch(secret.code.reveal()):
        raise VoucherUnusableError
    return secret


def sealed_fields(secret: Secret, confirmed_at: datetime | None = None) -> dict[str, Any]:
    """Return the fields in which a payment stores code and PIN: sealed, with a fingerprint and an expiry."""
    return {
        "sealed_code": seal(secret),
        "code_fingerprint": fingerprint(secret.code),
        "code_kept_until": code_expiry(confirmed_at),
    }


def code_expiry(confirmed_at: datetime | None) -> datetime:
    """Return when a code that is stored now will be erased, unless its payment holds a reservation then: after
    ``CONFIRMED_DAYS`` from the confirmation, or ``SELECTED_HOURS`` from now where the payment is not confirmed."""
    settings = gateway_settings()
    if confirmed_at is None:
        return timezone.now() + timedelta(hours=settings.SELECTED_HOURS)
    return confirmed_at + timedelta(days=settings.CONFIRMED_DAYS)


def _tidied(text: Opaque) -> Opaque:
    tidied = _tidy(text)
    if tidied is None:
        raise VoucherUnusableError
    return tidied


def _tidy(text: Opaque) -> Opaque | None:
    """Return the text without invisible characters, or None where it cannot be sent. Nothing is raised here: the error
    report would show the text."""
    typed: object = text.reveal()
    if not isinstance(typed, str) or len(typed) > MAX_TYPED_LENGTH:
        return None
    tidied = tidy(typed)
    return Opaque(tidied) if len(tidied) <= MAX_LENGTH and tidied.isprintable() else None


def _normalised(code: Opaque) -> Opaque:
    """Apply the shop's ``CODE_NORMALISER``. Its input is untrusted, so where it fails, or returns no text, the code is
    unusable. Its error message is not logged, as it may contain the code."""
    path = gateway_settings().CODE_NORMALISER
    if not path or not code:
        return code
    try:
        normalised = Opaque(import_string(path)(code.reveal()))
    except Exception as error:
        PaymentEvents.code_normaliser_failed.log(exception=type(error).__name__)
        normalised = Opaque()
    return _tidied(normalised)
