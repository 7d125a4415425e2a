"""What ``settle`` does with a payment that an earlier process, a fault or the passing of time has left open."""

from tests.proofs.crash import actions, setups
from tests.proofs.crash.scenario import BOOKED, LOST, Scenario, settle
from tests.proofs.crash.setups import CHARGE, READ, REFUND, RESERVE

__all__ = ["OPEN_SCENARIOS"]

OPEN_SCENARIOS = {
    "settle_dead_hold": Scenario(setups.dead, settle, settle, RESERVE, "0.00", status="lapsed"),
    "settle_by_status": Scenario(
        setups.shipped_unnoticed,
        settle,
        settle,
        CHARGE,
        "20.00",
        status="captured",
        settings={"ON_STATUS": {"field": "status", "capture": ["shipped"]}},
    ),
    "settle_lost_charge": Scenario(
        setups.gone_wrong(setups.authorized, actions.capture, LOST, CHARGE),
        settle,
        settle,
        CHARGE,
        "20.00",
        status="captured",
    ),
    "settle_booked_charge": Scenario(
        setups.gone_wrong(setups.authorized, actions.capture, BOOKED, CHARGE),
        settle,
        settle,
        READ,
        "20.00",
        status="captured",
    ),
    "settle_lost_refund": Scenario(
        setups.gone_wrong(setups.captured, actions.refund, LOST, REFUND),
        settle,
        settle,
        REFUND,
        "20.00",
        "20.00",
        "refunded",
    ),
    "settle_lost_little_refund": Scenario(
        setups.gone_wrong(setups.captured, actions.refund_little, LOST, REFUND),
        settle,
        settle,
        REFUND,
        "20.00",
        "5.00",
        "captured",
    ),
    "settle_booked_refund": Scenario(
        setups.gone_wrong(setups.captured, actions.refund, BOOKED, REFUND),
        settle,
        settle,
        READ,
        "20.00",
        "20.00",
        "refunded",
    ),
    "settle_abandoned_charge": Scenario(
        setups.abandoned(setups.gone_wrong(setups.authorized, actions.capture, BOOKED, CHARGE)),
        settle,
        settle,
        READ,
        "20.00",
        status="captured",
    ),
    "settle_abandoned_refund": Scenario(
        setups.abandoned(setups.gone_wrong(setups.captured, actions.refund_little, LOST, REFUND)),
        settle,
        settle,
        REFUND,
        "20.00",
        "5.00",
        "captured",
    ),
    "settle_trailing_read": Scenario(
        setups.read_again_later, settle, settle, READ, "20.00", status="captured"
    ),
    "settle_unwanted_charge": Scenario(
        setups.and_cancelled(setups.gone_wrong(setups.authorized, actions.capture, LOST, CHARGE)),
        settle,
        settle,
        READ,
        "0.00",
        status="cancelled",
    ),
    "settle_unwanted_booked_charge": Scenario(
        setups.and_cancelled(setups.gone_wrong(setups.authorized, actions.capture, BOOKED, CHARGE)),
        settle,
        settle,
        REFUND,
        "20.00",
        "20.00",
        "cancelled",
    ),
    "settle_unwanted_refund": Scenario(
        setups.and_cancelled(setups.gone_wrong(setups.captured, actions.refund, LOST, REFUND)),
        settle,
        settle,
        REFUND,
        "20.00",
        "20.00",
        "cancelled",
    ),
}
