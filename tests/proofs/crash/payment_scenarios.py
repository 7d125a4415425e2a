"""A voucher pays for an order: reserved, confirmed, charged, refunded, cancelled."""

from tests.proofs.crash import actions, setups
from tests.proofs.crash.scenario import NOT_CARRIED_OUT, Scenario
from tests.proofs.crash.setups import CHARGE, REFUND, RELEASE, RESERVE

__all__ = ["PAYMENT_SCENARIOS"]

PAYMENT_SCENARIOS = {
    "authorize": Scenario(
        setups.a_voucher,
        actions.authorize,
        actions.authorize_and_capture,
        RESERVE,
        "20.00",
        status="captured",
    ),
    "authorize_short": Scenario(
        lambda cloud: setups.a_voucher(cloud, amount="12.34"),
        actions.authorize,
        actions.authorize_and_capture,
        RESERVE,
        "12.34",
        status="captured",
    ),
    "authorize_selected": Scenario(
        setups.selected,
        actions.authorize_selected,
        actions.authorize_selected_and_capture,
        RESERVE,
        "30.00",
        status="captured",
    ),
    "confirm_beside_confirmed": Scenario(
        setups.beside_a_confirmed_order,
        actions.authorize_selected,
        actions.confirm_and_ship_both,
        RESERVE,
        "30.00",
        status="captured",
        other_status="captured",
    ),
    "capture": Scenario(
        setups.authorized, actions.capture, actions.capture, CHARGE, "20.00", status="captured"
    ),
    "capture_two": Scenario(
        setups.two_authorized, actions.capture, actions.capture, CHARGE, "30.00", status="captured"
    ),
    "capture_two_in_atomic": Scenario(
        setups.two_authorized,
        actions.capture_and_ship,
        actions.ship_unless_shipped,
        CHARGE,
        "30.00",
        status="captured",
        order_status="shipped",
    ),
    "capture_part": Scenario(
        setups.authorized, actions.capture_part, actions.capture_part, CHARGE, "12.00", status="captured"
    ),
    "capture_lapsed": Scenario(
        setups.ended, actions.capture, actions.capture, CHARGE, "20.00", status="captured"
    ),
    "capture_lapsed_hold": Scenario(
        setups.ended, actions.capture, actions.capture, RESERVE, "20.00", status="captured"
    ),
    "capture_confirmed_lapsed": Scenario(
        setups.confirmed_and_lapsed, actions.capture, actions.capture, CHARGE, "20.00", status="captured"
    ),
    "capture_evicted": Scenario(
        setups.evicted, actions.capture, actions.capture, CHARGE, "20.00", status="captured"
    ),
    "capture_second_part": Scenario(
        setups.part_captured, actions.capture_rest, actions.capture_rest, CHARGE, "20.00", status="captured"
    ),
    "capture_taken_over": Scenario(
        setups.taken_over,
        actions.capture,
        actions.capture,
        RESERVE,
        "20.00",
        status="captured",
        other_status="lapsed",
    ),
    "take_over": Scenario(
        setups.held_by_another_order,
        actions.authorize,
        actions.authorize_and_capture,
        RESERVE,
        "20.00",
        status="captured",
        other_status="lapsed",
    ),
    "capture_spent": Scenario(
        setups.spent, actions.capture, actions.capture, CHARGE, "0.00", status="failed"
    ),
    "capture_in_atomic": Scenario(
        setups.authorized,
        actions.capture_and_ship,
        actions.ship_unless_shipped,
        CHARGE,
        "20.00",
        status="captured",
        order_status="shipped",
    ),
    "capture_cheaper": Scenario(
        setups.authorized,
        actions.capture_and_lower_total,
        actions.ship_cheaper_unless_shipped,
        CHARGE,
        "12.00",
        status="captured",
        order_status="shipped",
    ),
    "capture_rolled_back": Scenario(
        setups.authorized, actions.capture_and_roll_back, actions.capture_and_roll_back, CHARGE, "0.00"
    ),
    "capture_with_key": Scenario(
        setups.authorized,
        actions.capture_with_key,
        actions.capture_with_key,
        CHARGE,
        "12.00",
        status="captured",
    ),
    "capture_both_with_key": Scenario(
        setups.two_authorized,
        actions.capture_both_with_key,
        actions.capture_both_with_key,
        CHARGE,
        "25.00",
        status="captured",
    ),
    "capture_two_parcels_in_atomic": Scenario(
        setups.authorized,
        actions.capture_two_parcels_in_atomic,
        actions.capture_two_parcels_in_atomic,
        CHARGE,
        "12.00",
        status="captured",
    ),
    "refund_with_key": Scenario(
        setups.two_captured, actions.refund_with_key, actions.refund_with_key, REFUND, "30.00", "13.00"
    ),
    "refund_two_lines_in_atomic": Scenario(
        setups.captured,
        actions.refund_two_lines_in_atomic,
        actions.refund_two_lines_in_atomic,
        REFUND,
        "20.00",
        "10.00",
        "captured",
    ),
    "cancel_with_key": Scenario(
        setups.two_captured,
        actions.cancel_with_key,
        actions.cancel_with_key,
        REFUND,
        "30.00",
        "30.00",
        "cancelled",
    ),
    "refund": Scenario(setups.captured, actions.refund, actions.refund, REFUND, "20.00", "20.00", "refunded"),
    "refund_little": Scenario(
        setups.captured, actions.refund_little, actions.refund_little, REFUND, "20.00", "5.00", "captured"
    ),
    "refund_part": Scenario(
        setups.two_captured, actions.refund_part, actions.refund_part, REFUND, "30.00", "13.00"
    ),
    "refund_in_atomic": Scenario(
        setups.captured,
        actions.refund_and_take_back,
        actions.take_back_unless_returned,
        REFUND,
        "20.00",
        "20.00",
        "refunded",
        order_status="returned",
    ),
    "cancel_selected": Scenario(
        setups.selected, actions.cancel, actions.cancel, RELEASE, "0.00", status="cancelled"
    ),
    "cancel_reserved": Scenario(
        setups.authorized, actions.cancel, actions.cancel, RELEASE, "0.00", status="cancelled"
    ),
    "cancel_captured": Scenario(
        setups.captured, actions.cancel, actions.cancel, REFUND, "20.00", "20.00", "cancelled"
    ),
    "cancel_two_reserved": Scenario(
        setups.two_authorized, actions.cancel, actions.cancel, RELEASE, "0.00", status="cancelled"
    ),
    "cancel_lapsed": Scenario(
        setups.lapsed, actions.cancel, actions.cancel, RELEASE, "0.00", status="cancelled"
    ),
    "cancel_due_charge": Scenario(
        setups.gone_wrong(setups.authorized, actions.capture, NOT_CARRIED_OUT, CHARGE),
        actions.cancel,
        actions.cancel,
        RELEASE,
        "0.00",
        status="cancelled",
        captured_without_retry="20.00",
    ),
    "cancel_part_captured": Scenario(
        setups.part_captured, actions.cancel, actions.cancel, REFUND, "12.00", "12.00", "cancelled"
    ),
    "cancel_part_captured_and_rest_held": Scenario(
        setups.part_captured_and_rest_held,
        actions.cancel,
        actions.cancel,
        REFUND,
        "12.00",
        "12.00",
        "cancelled",
    ),
    "cancel_part_refunded": Scenario(
        setups.part_refunded, actions.cancel, actions.cancel, REFUND, "20.00", "20.00", "cancelled"
    ),
    "cancel_two_captured": Scenario(
        setups.two_captured, actions.cancel, actions.cancel, REFUND, "30.00", "30.00", "cancelled"
    ),
}
