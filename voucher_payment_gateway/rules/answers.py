"""Whether an answer to a call that moves money is about that call.

A well-formed success that tells of something else proves nothing about ours.
"""

from collections.abc import Collection
from decimal import Decimal

from voucher_payment_gateway.rules.references import may_be_number

__all__ = ["is_answer_to_charge", "is_answer_to_refund", "needs_review"]


def is_answer_to_charge(
    *,
    amount: Decimal,
    charged: Decimal,
    voucher_id: str,
    told_voucher_id: str | None,
    reference: str,
    told_reference: str | None,
) -> bool:
    """Say whether an answer that tells of ``charged`` is about the charge of ``amount``: voucher and order number
    are ours where they are told, and at least one of them is."""
    told = []
    if told_voucher_id:
        told.append(told_voucher_id == voucher_id)
    if told_reference:
        told.append(may_be_number(told_reference, reference))
    return charged == amount and bool(told) and all(told)


def is_answer_to_refund(
    *,
    remote_id: str,
    baseline: Collection[str],
    voucher_id: str,
    told_voucher_id: str | None,
    reference: str,
    told_reference: str | None,
) -> bool:
    """Say whether an answer is about our refund: its id is not one of the ``baseline``, and voucher and order number
    are ours where they are told."""
    same_voucher = told_voucher_id in (None, voucher_id)
    same_order = not told_reference or may_be_number(told_reference, reference)
    return same_voucher and same_order and remote_id not in baseline


def needs_review(*, state: str, recorded_id: str, remote_id: str) -> bool:
    """Say whether a person must look at an answer that came when another worker had decided.

    While the outcome is unknown the booking will be found; once it is decided it must be the one that is recorded.
    """
    return state != "unknown" and recorded_id != remote_id
