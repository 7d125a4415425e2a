"""Read many vouchers and their bookings, a few in parallel. No database access."""

from collections.abc import Collection
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime

from django.utils import timezone

from voucher_payment_gateway.api import Charge, Voucher
from voucher_payment_gateway.api.limits import as_one_caller
from voucher_payment_gateway.exceptions import VoucherGatewayError
from voucher_payment_gateway.gateway.records.bookings import bookings_of
from voucher_payment_gateway.gateway.records.vouchers import voucher_of

__all__ = ["Reading", "read"]

MAX_PARALLEL = 4
"""Maximum of vouchers read in parallel."""


@dataclass(frozen=True)
class Reading:
    """The bookings of one voucher as read at ``read_at``, or the error of that read. Where the voucher itself was read
    (``is_voucher_read``), it is ``voucher``; None then means that there is no such voucher."""

    voucher_id: str
    read_at: datetime
    bookings: list[Charge] = field(default_factory=list)
    error: VoucherGatewayError | None = None
    is_voucher_read: bool = False
    voucher: Voucher | None = None

    @property
    def is_gone(self) -> bool:
        """Whether the Voucher Cloud has no such voucher, and so none of its bookings."""
        return self.is_voucher_read and self.voucher is None


def read(vouchers: list[str], account: str, *, themselves: Collection[str] = ()) -> list[Reading]:
    """Return one reading per voucher of this account, in the same order; errors are returned, not raised. Of those in
    ``themselves`` the voucher is read as well, with one call more."""

    @as_one_caller
    def read_one(voucher_id: str) -> Reading:
        return _read_one(voucher_id, account, voucher_id in themselves)

    with ThreadPoolExecutor(min(len(vouchers), MAX_PARALLEL)) as pool:
        return list(pool.map(read_one, vouchers))


def _read_one(voucher_id: str, account: str, is_itself_read: bool) -> Reading:
    read_at = timezone.now()
    try:
        voucher = voucher_of(voucher_id, account) if is_itself_read else None
        is_gone = is_itself_read and voucher is None
        bookings = [] if is_gone else bookings_of(voucher_id, account)
        return Reading(voucher_id, read_at, bookings, is_voucher_read=is_itself_read, voucher=voucher)
    except VoucherGatewayError as error:
        return Reading(voucher_id, read_at, error=error)
