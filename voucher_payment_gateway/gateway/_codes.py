"""What the customer typed, made ready to be sent.

Whether the Voucher Cloud compares case is not known, so a code goes out as typed; only outer white space is
trimmed and full-width characters are folded. A shop that knows its codes says more in its settings.
"""

import re

from django.utils.module_loading import import_string

from voucher_payment_gateway.conf import gateway_settings
from voucher_payment_gateway.exceptions import VoucherUnusableError
from voucher_payment_gateway.sealing import Secret

__all__ = ["typed"]

LONGEST = 255
"""Source: Voucher Cloud API 1.8, ``POST /reservations``, both ``code`` and ``pin``."""

_FULL_WIDTH = {ord("\u3000"): " "} | {wide: chr(wide - 0xFEE0) for wide in range(0xFF01, 0xFF5F)}


def typed(code: object, pin: object) -> Secret:
    """Return code and PIN as they will be sent. Raises VoucherUnusableError where no voucher can be meant;
    nothing is sent then."""
    secret = Secret(_normalised(_cleaned(code)), _cleaned(pin))
    if not secret.code or not re.fullmatch(gateway_settings().CODE_PATTERN or r"(?s).*", secret.code):
        raise VoucherUnusableError
    return secret


def _cleaned(text: object) -> str:
    if not isinstance(text, str):
        raise VoucherUnusableError
    folded = text.translate(_FULL_WIDTH).strip()
    if len(folded) > LONGEST or not folded.isprintable():
        raise VoucherUnusableError
    return folded


def _normalised(code: str) -> str:
    path = gateway_settings().CODE_NORMALISER
    return str(import_string(path)(code)) if path and code else code
