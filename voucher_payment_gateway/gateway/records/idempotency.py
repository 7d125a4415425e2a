"""Idempotency keys: the caller names a call, and however often it is repeated, it happens once.

A key is unique per order and verb. Its row is written in the transaction of the call's operations, which refer to it,
so a call that was refused before anything was written stores nothing and may be made again with its key. Two workers
with one key at the same moment conflict on the row: the second reads again and finds the key.
"""

from dataclasses import dataclass
from decimal import Decimal
from typing import NoReturn

from voucher_payment_gateway.exceptions import AmountError, PaymentStateError, WrongStateError
from voucher_payment_gateway.gateway.records.conflicts import atomic_or_conflict
from voucher_payment_gateway.models import (
    VoucherArchivedOperation,
    VoucherIdempotencyKey,
    VoucherOperation,
    VoucherPayment,
)
from voucher_payment_gateway.opaque import Opaque
from voucher_payment_gateway.sealing import fingerprints

__all__ = [
    "MAX_KEY_LENGTH",
    "Call",
    "check_key",
    "check_required_key",
    "note_key",
    "payment_of",
    "refuse_reused_key",
    "save_key",
]

MAX_KEY_LENGTH = 255

MAX_REQUIRED_KEY_LENGTH = 200
"""Maximum length of a key that a verb needs: what it is about is stored in front of it."""


@dataclass(frozen=True)
class Call:
    """One call of a verb, and the key by which it is recognised. Without a key no call repeats another one."""

    verb: str
    order_number: str
    key: str = ""
    amount: Decimal | None = None
    """The amount that the caller named; None where it named none."""

    def __post_init__(self) -> None:
        check_key(self.key)

    def find(self) -> VoucherIdempotencyKey | None:
        """Return the key's row where this call was made before. Raises AmountError where it named another amount."""
        if not self.key:
            return None
        stored = VoucherIdempotencyKey.current.filter(order_number=self.order_number, verb=self.verb)
        row: VoucherIdempotencyKey | None = stored.filter(key=self.key).first()
        if row is not None and row.amount != self.amount:
            raise AmountError(
                f"amount: the key was used for another {self.verb} of order {self.order_number}, with another amount: "
                "give each call a key of its own. Nothing was sent.",
                code="key_reused",
            )
        return row

    def new_row(self) -> VoucherIdempotencyKey | None:
        """Return the key's row, not saved yet; None without a key."""
        if not self.key:
            return None
        return VoucherIdempotencyKey(
            order_number=self.order_number, verb=self.verb, key=self.key, amount=self.amount
        )


def check_key(key: object) -> None:
    """Raise PaymentStateError unless ``key`` can be stored: at most 255 printable characters."""
    if not isinstance(key, str):
        raise PaymentStateError(
            f"key: must be a text, not {type(key).__name__}. Nothing was sent.", code="key_malformed"
        )
    if len(key) > MAX_KEY_LENGTH or not key.isprintable():
        raise PaymentStateError(
            f"key: must have at most {MAX_KEY_LENGTH} printable characters, such as the id of the return or the "
            "parcel. Nothing was sent.",
            code="key_malformed",
        )


def check_required_key(key: object) -> None:
    """Raise PaymentStateError unless ``key`` is one of 1 to 200 printable characters, for a verb that needs a key."""
    check_key(key)
    if not isinstance(key, str) or not key.strip() or len(key) > MAX_REQUIRED_KEY_LENGTH:
        raise PaymentStateError(
            f"key: give a text of 1 to {MAX_REQUIRED_KEY_LENGTH} characters, such as the id of the payment or the "
            "return: a call that is repeated with it moves nothing again. Nothing was sent.",
            code="key_missing" if not key else "key_malformed",
        )


def save_key(row: VoucherIdempotencyKey | None) -> None:
    """Write a new row, in the transaction of the operations of its call. One that exists violates the constraint."""
    if row is not None and row._state.adding:
        row.save(force_insert=True)


def note_key(row: VoucherIdempotencyKey | None) -> None:
    """Write a new row by itself: its call found everything as it should be, so there is no operation."""
    if row is not None:
        with atomic_or_conflict():
            save_key(row)


def payment_of(row: VoucherIdempotencyKey, code: Opaque) -> VoucherPayment:
    """Return the payment that the call with this key made of ``code``, as it is now. Raises WrongStateError where that
    call was about another code."""
    payments = VoucherPayment.current.filter(
        order_number=row.order_number, code_fingerprint__in=fingerprints(code)
    )
    live, archived = VoucherOperation.current, VoucherArchivedOperation.current
    operation = live.filter(idempotency_key=row).first() or archived.filter(idempotency_key=row).first()
    if operation is not None:
        payments = payments.filter(pk=operation.payment_id)
    payment: VoucherPayment | None = payments.order_by("-pk").first()
    if payment is None:
        refuse_reused_key(row, "code")
    return payment


def refuse_reused_key(row: VoucherIdempotencyKey, what: str) -> NoReturn:
    """Raise WrongStateError: the key was used for another code, or another payment."""
    raise WrongStateError(
        f"key: it was used for another {what} of order {row.order_number}: give each call a key of its own. "
        "Nothing was sent.",
        code="key_reused",
    )
