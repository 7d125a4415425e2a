"""What a shop does with its vouchers: each story is tried with a death at every crash point that it passes."""

from collections.abc import Callable
from dataclasses import dataclass

from tests.proofs.crash import actions, setups
from tests.proofs.crash.setups import CHARGE, READ, REFUND, RELEASE, RESERVE, Cloud
from tests.proofs.crash.shop import settle_until_nothing_is_open

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
        setups.a_voucher,
        actions.authorize,
        actions.authorize_and_capture,
        RESERVE,
        "20.00",
        status="captured",
    ),
    "authorize_short": Story(
        lambda cloud: setups.a_voucher(cloud, amount="12.34"),
        actions.authorize,
        actions.authorize_and_capture,
        RESERVE,
        "12.34",
        status="captured",
    ),
    "authorize_selected": Story(
        setups.selected,
        actions.authorize_selected,
        actions.authorize_selected_and_capture,
        RESERVE,
        "30.00",
        status="captured",
    ),
    "capture": Story(setups.authorized, actions.capture, actions.capture, CHARGE, "20.00", status="captured"),
    "capture_two": Story(
        setups.two_authorized, actions.capture, actions.capture, CHARGE, "30.00", status="captured"
    ),
    "capture_part": Story(
        setups.authorized, actions.capture_part, actions.capture_part, CHARGE, "12.00", status="captured"
    ),
    "capture_lapsed": Story(
        setups.ended, actions.capture, actions.capture, CHARGE, "20.00", status="captured"
    ),
    "capture_lapsed_hold": Story(
        setups.ended, actions.capture, actions.capture, RESERVE, "20.00", status="captured"
    ),
    "capture_evicted": Story(
        setups.evicted, actions.capture, actions.capture, CHARGE, "20.00", status="captured"
    ),
    "capture_second_part": Story(
        setups.part_captured, actions.capture_rest, actions.capture_rest, CHARGE, "20.00", status="captured"
    ),
    "capture_taken_over": Story(
        setups.taken_over,
        actions.capture,
        actions.capture,
        RESERVE,
        "20.00",
        status="captured",
        other="lapsed",
    ),
    "take_over": Story(
        setups.held_by_another_order,
        actions.authorize,
        actions.authorize_and_capture,
        RESERVE,
        "20.00",
        status="captured",
        other="lapsed",
    ),
    "capture_spent": Story(setups.spent, actions.capture, actions.capture, CHARGE, "0.00", status="failed"),
    "capture_in_atomic": Story(
        setups.authorized,
        actions.capture_and_ship,
        actions.ship_unless_shipped,
        CHARGE,
        "20.00",
        status="captured",
        turns="shipped",
    ),
    "capture_rolled_back": Story(
        setups.authorized, actions.capture_and_roll_back, actions.capture_and_roll_back, CHARGE, "0.00"
    ),
    "refund": Story(setups.captured, actions.refund, actions.refund, REFUND, "20.00", "20.00", "refunded"),
    "refund_little": Story(
        setups.captured, actions.refund_little, actions.refund_little, REFUND, "20.00", "5.00", "captured"
    ),
    "refund_part": Story(
        setups.two_captured, actions.refund_part, actions.refund_part, REFUND, "30.00", "13.00"
    ),
    "refund_in_atomic": Story(
        setups.captured,
        actions.refund_and_take_back,
        actions.take_back_unless_returned,
        REFUND,
        "20.00",
        "20.00",
        "refunded",
        turns="returned",
    ),
    "cancel_selected": Story(
        setups.selected, actions.cancel, actions.cancel, RELEASE, "0.00", status="cancelled"
    ),
    "cancel_reserved": Story(
        setups.authorized, actions.cancel, actions.cancel, RELEASE, "0.00", status="cancelled"
    ),
    "cancel_captured": Story(
        setups.captured, actions.cancel, actions.cancel, REFUND, "20.00", "20.00", "cancelled"
    ),
    "cancel_two_reserved": Story(
        setups.two_authorized, actions.cancel, actions.cancel, RELEASE, "0.00", status="cancelled"
    ),
    "cancel_lapsed": Story(
        setups.lapsed, actions.cancel, actions.cancel, RELEASE, "0.00", status="cancelled"
    ),
    "cancel_due_charge": Story(
        setups.gone_wrong(setups.authorized, actions.capture, NOT_CARRIED_OUT, CHARGE),
        actions.cancel,
        actions.cancel,
        RELEASE,
        "0.00",
        status="cancelled",
        left_alone="20.00",
    ),
    "cancel_part_captured": Story(
        setups.part_captured, actions.cancel, actions.cancel, REFUND, "12.00", "12.00", "cancelled"
    ),
    "cancel_part_captured_and_rest_held": Story(
        setups.part_captured_and_rest_held,
        actions.cancel,
        actions.cancel,
        REFUND,
        "12.00",
        "12.00",
        "cancelled",
    ),
    "cancel_part_refunded": Story(
        setups.part_refunded, actions.cancel, actions.cancel, REFUND, "20.00", "20.00", "cancelled"
    ),
    "cancel_two_captured": Story(
        setups.two_captured, actions.cancel, actions.cancel, REFUND, "30.00", "30.00", "cancelled"
    ),
    "settle_dead_hold": Story(setups.dead, settle, settle, RESERVE, "0.00", status="lapsed"),
    "settle_lost_charge": Story(
        setups.gone_wrong(setups.authorized, actions.capture, LOST, CHARGE),
        settle,
        settle,
        CHARGE,
        "20.00",
        status="captured",
    ),
    "settle_booked_charge": Story(
        setups.gone_wrong(setups.authorized, actions.capture, BOOKED, CHARGE),
        settle,
        settle,
        READ,
        "20.00",
        status="captured",
    ),
    "settle_lost_refund": Story(
        setups.gone_wrong(setups.captured, actions.refund, LOST, REFUND),
        settle,
        settle,
        REFUND,
        "20.00",
        "20.00",
        "refunded",
    ),
    "settle_lost_little_refund": Story(
        setups.gone_wrong(setups.captured, actions.refund_little, LOST, REFUND),
        settle,
        settle,
        REFUND,
        "20.00",
        "5.00",
        "captured",
    ),
    "settle_booked_refund": Story(
        setups.gone_wrong(setups.captured, actions.refund, BOOKED, REFUND),
        settle,
        settle,
        READ,
        "20.00",
        "20.00",
        "refunded",
    ),
    "settle_abandoned_charge": Story(
        setups.abandoned(setups.gone_wrong(setups.authorized, actions.capture, BOOKED, CHARGE)),
        settle,
        settle,
        READ,
        "20.00",
        status="captured",
    ),
    "settle_unwanted_charge": Story(
        setups.and_cancelled(setups.gone_wrong(setups.authorized, actions.capture, LOST, CHARGE)),
        settle,
        settle,
        READ,
        "0.00",
        status="cancelled",
    ),
    "settle_unwanted_booked_charge": Story(
        setups.and_cancelled(setups.gone_wrong(setups.authorized, actions.capture, BOOKED, CHARGE)),
        settle,
        settle,
        REFUND,
        "20.00",
        "20.00",
        "cancelled",
    ),
    "settle_unwanted_refund": Story(
        setups.and_cancelled(setups.gone_wrong(setups.captured, actions.refund, LOST, REFUND)),
        settle,
        settle,
        REFUND,
        "20.00",
        "20.00",
        "cancelled",
    ),
}
