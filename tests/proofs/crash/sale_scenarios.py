"""An order sells a voucher, or is given one: issued, activated, handed over, topped up, taken back."""

from tests.proofs.crash import actions, setups
from tests.proofs.crash.scenario import Scenario, settle
from tests.proofs.crash.setups import CREATE, DELETE, RECHARGE, STATUS

__all__ = ["SALE_SCENARIOS"]

SELLS = {"SOLD_VOUCHERS": "tests.shop.sold.vouchers"}

SALE_SCENARIOS = {
    "sell_issue": Scenario(
        setups.sells, actions.issue, actions.issue, CREATE, "0.00", sold="issued", settings=SELLS
    ),
    "sell_activate": Scenario(
        setups.sells, actions.activate, actions.activate, CREATE, "0.00", sold="active", settings=SELLS
    ),
    "sell_activate_issued": Scenario(
        setups.issued, actions.activate, actions.activate, STATUS, "0.00", sold="active", settings=SELLS
    ),
    "sell_mail": Scenario(setups.not_mailed, settle, settle, CREATE, "0.00", sold="active", settings=SELLS),
    "top_up": Scenario(
        setups.sold,
        actions.top_up,
        actions.top_up,
        RECHARGE,
        "0.00",
        sold="active",
        topped_up="5.00",
        settings=SELLS,
    ),
    "credit": Scenario(
        setups.never_sold, actions.credit, actions.credit, CREATE, "0.00", sold="active", settings=SELLS
    ),
    "take_back": Scenario(
        setups.sold, actions.take_back, actions.take_back, DELETE, "0.00", sold="taken_back", settings=SELLS
    ),
    "settle_unpaid_sale": Scenario(
        setups.never_paid, settle, settle, DELETE, "0.00", sold="taken_back", settings=SELLS
    ),
}
