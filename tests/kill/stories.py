"""What a shop does with its vouchers: each story is tried with a death at every crash point that it passes."""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from decimal import Decimal

from django.db import transaction

from tests.kill.shop import later, order, settle_until_nothing_is_open
from voucher_payment_gateway import gateway
from voucher_payment_gateway.exceptions import VoucherGatewayError
from voucher_payment_gateway.models import VoucherOperation
from voucher_payment_gateway.sandbox import LocalVoucherCloud

__all__ = ["STORIES", "Story"]

A, B = "KILL-AAAA-2000", "KILL-BBBB-3000"
RESERVE, CHARGE, REFUND = ("POST", "/v1/reservations"), ("POST", "*/charge"), ("POST", "*/refund")
RELEASE, READ = ("DELETE", "/v1/reservations/*"), ("GET", "*/charges")
Cloud = LocalVoucherCloud


@dataclass(frozen=True)
class Story:
    """``arrange`` is what was before, ``act`` what a process does when it dies.

    ``again`` is what the shop does after the restart, where it calls again; ``captured``, ``refunded`` and ``status``
    are how the order's payments end once all was carried out.
    """

    arrange: Callable[[Cloud], None]
    act: Callable[[], object]
    again: Callable[[], object]
    fault_at: tuple[str, str]
    captured: str
    refunded: str = "0.00"
    status: str = ""
    ships: bool = False

    @property
    def calls_again(self) -> bool:
        """Whether a shop calls again after a restart; the sweep runs anyway."""
        return self.again is not settle_until_nothing_is_open


class MindChangedError(Exception):
    """The shop rolls back."""


def _a_voucher(cloud: Cloud, amount: str = "100.00", total: str = "20.00") -> None:
    """It holds more than the order costs: what keeps us from charging twice is not its balance."""
    cloud.add_voucher(code=A, amount=amount)
    order(total)


def _selected(cloud: Cloud) -> None:
    _a_voucher(cloud, amount="20.00", total="30.00")
    cloud.add_voucher(code=B, amount="15.00")
    for code in (A, B):
        gateway.select(order(), code)


def _authorized(cloud: Cloud) -> None:
    _a_voucher(cloud)
    gateway.authorize(order(), A)


def _two_authorized(cloud: Cloud) -> None:
    _selected(cloud)
    gateway.authorize_selected(order())


def _lapsed(cloud: Cloud) -> None:
    _authorized(cloud)
    later(31 * 60)


def _evicted(cloud: Cloud) -> None:
    """A till took the hold over and let it lapse."""
    _authorized(cloud)
    cloud.reserve(A, "1.00", client_id=_till(cloud))


def _spent(cloud: Cloud) -> None:
    """A till took the money."""
    _authorized(cloud)
    till = _till(cloud)
    cloud.charge(cloud.reserve(A, "100.00", client_id=till), "T-1", client_id=till)


def _captured(cloud: Cloud) -> None:
    _authorized(cloud)
    gateway.capture(order())


def _two_captured(cloud: Cloud) -> None:
    _two_authorized(cloud)
    gateway.capture(order())


def _till(cloud: Cloud) -> str:
    return cloud.add_client(name="Till").id


def _unknown(
    arrange: Callable[[Cloud], None], verb: Callable[[], object], fault: str, fault_at: tuple[str, str]
) -> Callable[[Cloud], None]:
    """Arrange for an operation whose outcome is unknown."""

    def arranged(cloud: Cloud) -> None:
        arrange(cloud)
        method, path = fault_at
        cloud.faults.next(fault, method=method, path=path)
        with suppress(VoucherGatewayError):
            verb()

    return arranged


def _abandoned(arrange: Callable[[Cloud], None]) -> Callable[[Cloud], None]:
    """The worker that sent it is not heard of any more."""

    def arranged(cloud: Cloud) -> None:
        arrange(cloud)
        VoucherOperation.objects.filter(state="unknown").update(state="sending", error_code="")

    return arranged


def _and_cancelled(arrange: Callable[[Cloud], None]) -> Callable[[Cloud], None]:
    def arranged(cloud: Cloud) -> None:
        arrange(cloud)
        cancel()

    return arranged


def authorize() -> None:
    gateway.authorize(order(), A)


def authorize_selected() -> None:
    gateway.authorize_selected(order())


def capture() -> None:
    gateway.capture(order())


def capture_part() -> None:
    gateway.capture(order(), "12.00")


def capture_and_ship() -> None:
    """The order's own change and the capture are one transaction."""
    with transaction.atomic():
        shipped = order()
        shipped.status = "shipped"
        shipped.save(update_fields=["status"])
        gateway.capture(shipped)


def ship_unless_shipped() -> None:
    if order().status != "shipped":
        capture_and_ship()


def capture_and_roll_back() -> None:
    with suppress(MindChangedError), transaction.atomic():
        gateway.capture(order())
        raise MindChangedError


def authorize_and_capture() -> None:
    authorize()
    capture()


def authorize_selected_and_capture() -> None:
    authorize_selected()
    capture()


def refund() -> None:
    gateway.refund(order())


def refund_part() -> None:
    """Give back 13.00, less what was given back or is under way: a limit of the remote side is not what protects us."""
    refunds = VoucherOperation.objects.filter(kind="refund").exclude(state__in=("refused", "not_applied"))
    left = Decimal("13.00") - sum(operation.amount for operation in refunds)
    if left > 0:
        gateway.refund(order(), left)


def refund_little() -> None:
    """Give back 5.00 of 20.00, unless that was done or is under way."""
    if not VoucherOperation.objects.filter(kind="refund").exists():
        gateway.refund(order(), "5.00")


def cancel() -> None:
    gateway.cancel(order())


settle = settle_until_nothing_is_open
LOST, BOOKED = "before:drop", "after:drop"

STORIES = {
    "authorize": Story(_a_voucher, authorize, authorize_and_capture, RESERVE, "20.00", status="captured"),
    "authorize_short": Story(
        lambda cloud: _a_voucher(cloud, amount="12.34"),
        authorize,
        authorize_and_capture,
        RESERVE,
        "12.34",
        status="captured",
    ),
    "authorize_selected": Story(
        _selected,
        authorize_selected,
        authorize_selected_and_capture,
        RESERVE,
        "30.00",
        status="captured",
    ),
    "capture": Story(_authorized, capture, capture, CHARGE, "20.00", status="captured"),
    "capture_two": Story(_two_authorized, capture, capture, CHARGE, "30.00", status="captured"),
    "capture_part": Story(_authorized, capture_part, capture_part, CHARGE, "12.00", status="captured"),
    "capture_lapsed": Story(_lapsed, capture, capture, CHARGE, "20.00", status="captured"),
    "capture_lapsed_hold": Story(_lapsed, capture, capture, RESERVE, "20.00", status="captured"),
    "capture_evicted": Story(_evicted, capture, capture, CHARGE, "20.00", status="captured"),
    "capture_spent": Story(_spent, capture, capture, CHARGE, "0.00", status="failed"),
    "capture_in_atomic": Story(
        _authorized, capture_and_ship, ship_unless_shipped, CHARGE, "20.00", status="captured", ships=True
    ),
    "capture_rolled_back": Story(_authorized, capture_and_roll_back, capture_and_roll_back, CHARGE, "0.00"),
    "refund": Story(_captured, refund, refund, REFUND, "20.00", "20.00", "refunded"),
    "refund_little": Story(_captured, refund_little, refund_little, REFUND, "20.00", "5.00", "captured"),
    "refund_part": Story(_two_captured, refund_part, refund_part, REFUND, "30.00", "13.00"),
    "cancel_reserved": Story(_authorized, cancel, cancel, RELEASE, "0.00", status="cancelled"),
    "cancel_captured": Story(_captured, cancel, cancel, REFUND, "20.00", "20.00", "cancelled"),
    "settle_lost_charge": Story(
        _unknown(_authorized, capture, LOST, CHARGE), settle, settle, CHARGE, "20.00", status="captured"
    ),
    "settle_booked_charge": Story(
        _unknown(_authorized, capture, BOOKED, CHARGE), settle, settle, READ, "20.00", status="captured"
    ),
    "settle_lost_refund": Story(
        _unknown(_captured, refund, LOST, REFUND), settle, settle, REFUND, "20.00", "20.00", "refunded"
    ),
    "settle_lost_little_refund": Story(
        _unknown(_captured, refund_little, LOST, REFUND), settle, settle, REFUND, "20.00", "5.00", "captured"
    ),
    "settle_booked_refund": Story(
        _unknown(_captured, refund, BOOKED, REFUND), settle, settle, READ, "20.00", "20.00", "refunded"
    ),
    "settle_abandoned_charge": Story(
        _abandoned(_unknown(_authorized, capture, BOOKED, CHARGE)),
        settle,
        settle,
        READ,
        "20.00",
        status="captured",
    ),
    "settle_unwanted_charge": Story(
        _and_cancelled(_unknown(_authorized, capture, LOST, CHARGE)),
        settle,
        settle,
        READ,
        "0.00",
        status="cancelled",
    ),
    "settle_unwanted_booked_charge": Story(
        _and_cancelled(_unknown(_authorized, capture, BOOKED, CHARGE)),
        settle,
        settle,
        REFUND,
        "20.00",
        "20.00",
        "cancelled",
    ),
}
