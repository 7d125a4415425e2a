"""What a shop does with its vouchers: each story is tried with a death at every crash point that it passes."""

from collections.abc import Callable
from dataclasses import dataclass

from tests.kill import beginnings, deeds
from tests.kill.beginnings import CHARGE, READ, REFUND, RELEASE, RESERVE, Cloud
from tests.kill.shop import settle_until_nothing_is_open

__all__ = ["STORIES", "Story"]


@dataclass(frozen=True)
class Story:
    """``arrange`` is what was before, ``act`` what a process does when it dies.

    ``again`` is what the shop does after the restart, where it calls again; ``captured``, ``refunded`` and ``status``
    are how the order's payments end once all was carried out, ``other`` how those of the other order do.
    ``left_alone`` is what is captured at most where the shop does not call again, if that is more. ``turns`` is the
    status that the order gets in one transaction with the operation.
    """

    arrange: Callable[[Cloud], None]
    act: Callable[[], object]
    again: Callable[[], object]
    fault_at: tuple[str, str]
    captured: str
    refunded: str = "0.00"
    status: str = ""
    other: str = ""
    left_alone: str = ""
    turns: str = ""

    @property
    def calls_again(self) -> bool:
        """Whether a shop calls again after a restart; the sweep runs anyway."""
        return self.again is not settle_until_nothing_is_open


settle = settle_until_nothing_is_open
LOST, BOOKED, NOT_CARRIED_OUT = "before:drop", "after:drop", "before:503"

STORIES = {
    "authorize": Story(
        beginnings.a_voucher,
        deeds.authorize,
        deeds.authorize_and_capture,
        RESERVE,
        "20.00",
        status="captured",
    ),
    "authorize_short": Story(
        lambda cloud: beginnings.a_voucher(cloud, amount="12.34"),
        deeds.authorize,
        deeds.authorize_and_capture,
        RESERVE,
        "12.34",
        status="captured",
    ),
    "authorize_selected": Story(
        beginnings.selected,
        deeds.authorize_selected,
        deeds.authorize_selected_and_capture,
        RESERVE,
        "30.00",
        status="captured",
    ),
    "capture": Story(beginnings.authorized, deeds.capture, deeds.capture, CHARGE, "20.00", status="captured"),
    "capture_two": Story(
        beginnings.two_authorized, deeds.capture, deeds.capture, CHARGE, "30.00", status="captured"
    ),
    "capture_part": Story(
        beginnings.authorized, deeds.capture_part, deeds.capture_part, CHARGE, "12.00", status="captured"
    ),
    "capture_lapsed": Story(
        beginnings.ended, deeds.capture, deeds.capture, CHARGE, "20.00", status="captured"
    ),
    "capture_lapsed_hold": Story(
        beginnings.ended, deeds.capture, deeds.capture, RESERVE, "20.00", status="captured"
    ),
    "capture_evicted": Story(
        beginnings.evicted, deeds.capture, deeds.capture, CHARGE, "20.00", status="captured"
    ),
    "capture_second_part": Story(
        beginnings.part_captured, deeds.capture_rest, deeds.capture_rest, CHARGE, "20.00", status="captured"
    ),
    "capture_taken_over": Story(
        beginnings.taken_over,
        deeds.capture,
        deeds.capture,
        RESERVE,
        "20.00",
        status="captured",
        other="lapsed",
    ),
    "take_over": Story(
        beginnings.held_by_another_order,
        deeds.authorize,
        deeds.authorize_and_capture,
        RESERVE,
        "20.00",
        status="captured",
        other="lapsed",
    ),
    "capture_spent": Story(beginnings.spent, deeds.capture, deeds.capture, CHARGE, "0.00", status="failed"),
    "capture_in_atomic": Story(
        beginnings.authorized,
        deeds.capture_and_ship,
        deeds.ship_unless_shipped,
        CHARGE,
        "20.00",
        status="captured",
        turns="shipped",
    ),
    "capture_rolled_back": Story(
        beginnings.authorized, deeds.capture_and_roll_back, deeds.capture_and_roll_back, CHARGE, "0.00"
    ),
    "refund": Story(beginnings.captured, deeds.refund, deeds.refund, REFUND, "20.00", "20.00", "refunded"),
    "refund_little": Story(
        beginnings.captured, deeds.refund_little, deeds.refund_little, REFUND, "20.00", "5.00", "captured"
    ),
    "refund_part": Story(
        beginnings.two_captured, deeds.refund_part, deeds.refund_part, REFUND, "30.00", "13.00"
    ),
    "refund_in_atomic": Story(
        beginnings.captured,
        deeds.refund_and_take_back,
        deeds.take_back_unless_returned,
        REFUND,
        "20.00",
        "20.00",
        "refunded",
        turns="returned",
    ),
    "cancel_selected": Story(
        beginnings.selected, deeds.cancel, deeds.cancel, RELEASE, "0.00", status="cancelled"
    ),
    "cancel_reserved": Story(
        beginnings.authorized, deeds.cancel, deeds.cancel, RELEASE, "0.00", status="cancelled"
    ),
    "cancel_captured": Story(
        beginnings.captured, deeds.cancel, deeds.cancel, REFUND, "20.00", "20.00", "cancelled"
    ),
    "cancel_two_reserved": Story(
        beginnings.two_authorized, deeds.cancel, deeds.cancel, RELEASE, "0.00", status="cancelled"
    ),
    "cancel_lapsed": Story(
        beginnings.lapsed, deeds.cancel, deeds.cancel, RELEASE, "0.00", status="cancelled"
    ),
    "cancel_due_charge": Story(
        beginnings.gone_wrong(beginnings.authorized, deeds.capture, NOT_CARRIED_OUT, CHARGE),
        deeds.cancel,
        deeds.cancel,
        RELEASE,
        "0.00",
        status="cancelled",
        left_alone="20.00",
    ),
    "cancel_part_captured": Story(
        beginnings.part_captured, deeds.cancel, deeds.cancel, REFUND, "12.00", "12.00", "cancelled"
    ),
    "cancel_part_captured_and_rest_held": Story(
        beginnings.part_captured_and_rest_held,
        deeds.cancel,
        deeds.cancel,
        REFUND,
        "12.00",
        "12.00",
        "cancelled",
    ),
    "cancel_part_refunded": Story(
        beginnings.part_refunded, deeds.cancel, deeds.cancel, REFUND, "20.00", "20.00", "cancelled"
    ),
    "cancel_two_captured": Story(
        beginnings.two_captured, deeds.cancel, deeds.cancel, REFUND, "30.00", "30.00", "cancelled"
    ),
    "settle_dead_hold": Story(beginnings.dead, settle, settle, RESERVE, "0.00", status="lapsed"),
    "settle_lost_charge": Story(
        beginnings.gone_wrong(beginnings.authorized, deeds.capture, LOST, CHARGE),
        settle,
        settle,
        CHARGE,
        "20.00",
        status="captured",
    ),
    "settle_booked_charge": Story(
        beginnings.gone_wrong(beginnings.authorized, deeds.capture, BOOKED, CHARGE),
        settle,
        settle,
        READ,
        "20.00",
        status="captured",
    ),
    "settle_lost_refund": Story(
        beginnings.gone_wrong(beginnings.captured, deeds.refund, LOST, REFUND),
        settle,
        settle,
        REFUND,
        "20.00",
        "20.00",
        "refunded",
    ),
    "settle_lost_little_refund": Story(
        beginnings.gone_wrong(beginnings.captured, deeds.refund_little, LOST, REFUND),
        settle,
        settle,
        REFUND,
        "20.00",
        "5.00",
        "captured",
    ),
    "settle_booked_refund": Story(
        beginnings.gone_wrong(beginnings.captured, deeds.refund, BOOKED, REFUND),
        settle,
        settle,
        READ,
        "20.00",
        "20.00",
        "refunded",
    ),
    "settle_abandoned_charge": Story(
        beginnings.abandoned(beginnings.gone_wrong(beginnings.authorized, deeds.capture, BOOKED, CHARGE)),
        settle,
        settle,
        READ,
        "20.00",
        status="captured",
    ),
    "settle_unwanted_charge": Story(
        beginnings.and_cancelled(beginnings.gone_wrong(beginnings.authorized, deeds.capture, LOST, CHARGE)),
        settle,
        settle,
        READ,
        "0.00",
        status="cancelled",
    ),
    "settle_unwanted_booked_charge": Story(
        beginnings.and_cancelled(beginnings.gone_wrong(beginnings.authorized, deeds.capture, BOOKED, CHARGE)),
        settle,
        settle,
        REFUND,
        "20.00",
        "20.00",
        "cancelled",
    ),
    "settle_unwanted_refund": Story(
        beginnings.and_cancelled(beginnings.gone_wrong(beginnings.captured, deeds.refund, LOST, REFUND)),
        settle,
        settle,
        REFUND,
        "20.00",
        "20.00",
        "cancelled",
    ),
}
