"""Read the bookings of many vouchers, a few in parallel. No database access."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime

from django.utils import timezone

from voucher_payment_gateway.api import Charge
from voucher_payment_gateway.exceptions import VoucherGatewayError
from voucher_payment_gateway.gateway.records.bookings import bookings_of

__all__ = ["Reading", "read"]

MAX_PARALLEL = 4
"""Maximum of vouchers read in parallel."""


@dataclass(frozen=True)
class Reading:
    """The bookings of one voucher as read at ``read_at``, or the error of that read."""

    voucher_id: str
    read_at: datetime
    bookings: list[Charge] = field(default_factory=list)
    error: VoucherGatewayError | None = None


def read(vouchers: list[str], account: str) -> list[Reading]:
    """Return one reading per voucher of this account, in the same order; errors are returned, not raised."""
    with ThreadPoolExecutor(min(len(vouchers), MAX_PARALLEL)) as pool:
        return list(pool.map(lambda voucher_id: _read_one(voucher_id, account), vouchers))


def _read_one(voucher_id: str, account: str) -> Reading:
    read_at = timezone.now()
    try:
        return Reading(voucher_id, read_at, bookings_of(voucher_id, account))
    except VoucherGatewayError as error:
        return Reading(voucher_id, read_at, error=error)
