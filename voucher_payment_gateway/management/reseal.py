"""Seal stored codes under the first key, row by row, while the shop runs."""

from collections.abc import Iterator
from dataclasses import dataclass

from django.db import IntegrityError, transaction

from voucher_payment_gateway.models import VoucherPayment, VoucherSale
from voucher_payment_gateway.sealing import fingerprint, is_under_first_key, reseal, unseal

__all__ = ["Tally", "reseal_codes"]

Model = type[VoucherPayment] | type[VoucherSale]


@dataclass
class Tally:
    """The number of stored codes in each state."""

    resealed: int = 0
    """Sealed under the first key by this run."""
    older: int = 0
    """Still sealed under an older key: in a check run, or because another process changed the row meanwhile."""
    first: int = 0
    """Sealed under the first key before."""
    unreadable: int = 0
    """Opened by none of the keys."""


def reseal_codes(batch: int, *, change: bool) -> Tally:
    """Read all stored codes, ``batch`` rows per query, and reseal those that an older key has sealed.

    A row that changed since it was read is left unchanged, as the shop's value is newer. Idempotent.
    """
    tally = Tally()
    for model, pk, sealed in _stored(batch):
        if is_under_first_key(sealed):
            tally.first += 1
        elif (resealed := reseal(sealed)) is None:
            tally.unreadable += 1
        elif change and _replace(model, pk, sealed, resealed):
            tally.resealed += 1
        else:
            tally.older += 1
    return tally


def _stored(batch: int) -> Iterator[tuple[Model, int, str]]:
    models: tuple[Model, ...] = (VoucherPayment, VoucherSale)
    for model in models:
        last, stored = 0, model.current.exclude(sealed_code="").order_by("pk")
        while rows := list(stored.filter(pk__gt=last).values_list("pk", "sealed_code")[:batch]):
            yield from ((model, *row) for row in rows)
            last = rows[-1][0]


def _replace(model: Model, pk: int, sealed: str, resealed: str) -> bool:
    """Replace the sealed code only if it is unchanged since it was read (compare-and-set)."""
    secret, row = unseal(resealed), model.current.filter(pk=pk, sealed_code=sealed)
    assert secret is not None  # noqa: S101
    try:
        with transaction.atomic(using=row.db):
            return row.update(sealed_code=resealed, code_fingerprint=fingerprint(secret.code)) == 1
    except IntegrityError:  # a newer payment of the order has this code under the first key already
        return row.update(sealed_code=resealed) == 1
