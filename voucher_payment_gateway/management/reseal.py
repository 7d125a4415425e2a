"""Seals stored codes under the first key, row by row, while the shop goes on."""

from collections.abc import Iterator
from dataclasses import dataclass

from django.db import IntegrityError, transaction

from voucher_payment_gateway.models import VoucherPayment
from voucher_payment_gateway.sealing import fingerprint, is_under_first_key, reseal, unseal

__all__ = ["Tally", "reseal_codes"]

Row = tuple[int, str]


@dataclass
class Tally:
    """How many stored codes were found in which state."""

    resealed: int = 0
    """Sealed under the first key now."""
    older: int = 0
    """Still sealed under an older key: not asked to change them, or somebody else changed them meanwhile."""
    first: int = 0
    """Sealed under the first key before."""
    unreadable: int = 0
    """Opened by none of the keys."""


def reseal_codes(batch: int, *, change: bool) -> Tally:
    """Go through all stored codes, ``batch`` rows in one query, and seal anew what an older key has sealed.

    A row that was changed since it was read is left as it is: what the shop wrote is newer. Repeating it is safe.
    """
    tally = Tally()
    for pk, sealed in _stored(batch):
        if is_under_first_key(sealed):
            tally.first += 1
        elif (anew := reseal(sealed)) is None:
            tally.unreadable += 1
        elif change and _exchange(pk, sealed, anew):
            tally.resealed += 1
        else:
            tally.older += 1
    return tally


def _stored(batch: int) -> Iterator[Row]:
    last = 0
    while rows := list(
        VoucherPayment.current.filter(pk__gt=last)
        .exclude(sealed_code="")
        .order_by("pk")
        .values_list("pk", "sealed_code")[:batch]
    ):
        yield from rows
        last = rows[-1][0]


def _exchange(pk: int, sealed: str, anew: str) -> bool:
    """Put the new text in the place of the one that was read, and of no other."""
    secret, row = unseal(anew), VoucherPayment.current.filter(pk=pk, sealed_code=sealed)
    assert secret is not None  # noqa: S101
    try:
        with transaction.atomic(using=row.db):
            return row.update(sealed_code=anew, code_fingerprint=fingerprint(secret.code)) == 1
    except IntegrityError:  # a newer payment of the order has this code under the first key already
        return row.update(sealed_code=anew) == 1
