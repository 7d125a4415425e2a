"""Count the outcomes of operations, for the figures of the operator alone: nothing is decided by them."""

from django.db import transaction

from voucher_payment_gateway.gateway.records.conflicts import database
from voucher_payment_gateway.models import VoucherOperation
from voucher_payment_gateway.telemetry.backend import IS_INSTALLED
from voucher_payment_gateway.telemetry.instruments import OPERATIONS

__all__ = ["count_outcome"]

OUTCOMES = ("succeeded", "refused", "unknown", "not_applied", "manual")
"""The states that are counted when an operation reaches them."""


def count_outcome(operation: VoucherOperation, state: str | None) -> None:
    """Count the outcome that is being written, once it is committed. ``state``: None where it stays as it is."""
    if IS_INSTALLED and state in OUTCOMES and state != operation.state:
        attributes = dict(zip(OPERATIONS.attributes, (operation.kind, state), strict=True))
        transaction.on_commit(lambda: OPERATIONS.add(attributes), using=database(), robust=True)
