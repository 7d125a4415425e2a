"""Compare the status of a sale with that of its voucher at the Voucher Cloud, and say why a voucher is not valid."""

from datetime import datetime
from typing import Literal

__all__ = ["StatusDifference", "compare_status", "why_not_valid"]

StatusDifference = Literal["voucher_gone", "voucher_status"]


def compare_status(ours: str, theirs: str | None, *, has_expired: bool) -> StatusDifference | None:
    """Return how a voucher differs from its sale, which nothing is under way for; None where it agrees.

    ``theirs`` is None where there is no such voucher. One that was taken back may be left there inactive: a voucher
    with bookings is not deleted. Which status one has that ``has_expired`` is not documented.
    """
    if theirs is None:
        return "voucher_gone" if ours in ("issued", "active") else None
    is_active = theirs == "active"
    differs = (ours == "active" and not is_active and not has_expired) or (
        ours in ("issued", "taken_back") and is_active
    )
    return "voucher_status" if differs else None


def why_not_valid(
    status: str, valid_until: datetime | None, now: datetime
) -> Literal["", "inactive", "expired"]:
    """Return why the code of a voucher must not be handed over; "" where it is valid. ``valid_until`` None: no end."""
    if status != "active":
        return "inactive"
    return "expired" if valid_until is not None and valid_until <= now else ""
