"""The state of the Voucher Cloud and of the shop at the beginning of a scenario."""

from collections.abc import Callable
from contextlib import suppress

from tests.proofs.crash import actions
from tests.proofs.crash.shop import (
    TRAILING_READ,
    another_order,
    later,
    order,
    settle_until_nothing_is_open,
)
from tests.shop.models import Order
from voucher_payment_gateway import gateway
from voucher_payment_gateway.exceptions import VoucherGatewayError
from voucher_payment_gateway.models import VoucherOperation, VoucherPayment
from voucher_payment_gateway.sandbox import LocalVoucherCloud

Cloud = LocalVoucherCloud
RESERVE, CHARGE, REFUND = ("POST", "/v1/reservations"), ("POST", "*/charge"), ("POST", "*/refund")
RELEASE, READ = ("DELETE", "/v1/reservations/*"), ("GET", "*/charges")
CREATE, STATUS, DELETE = ("POST", "/v1/vouchers"), ("PATCH", "*/status"), ("DELETE", "/v1/vouchers/*")
RECHARGE, READ_VOUCHER = ("POST", "/v1/vouchers/recharge"), ("GET", "/v1/vouchers/*")


def a_voucher(cloud: Cloud, amount: str = "100.00", total: str = "20.00") -> None:
    """Its balance is higher than the order's total, so that the balance does not prevent a second charge."""
    cloud.add_voucher(code=actions.A, amount=amount)
    order(total)


def selected(cloud: Cloud) -> None:
    a_voucher(cloud, amount="20.00", total="30.00")
    cloud.add_voucher(code=actions.B, amount="15.00")
    for code in (actions.A, actions.B):
        gateway.select(order(), code)


def authorized(cloud: Cloud) -> None:
    a_voucher(cloud)
    gateway.authorize(order(), actions.A)


def two_authorized(cloud: Cloud) -> None:
    selected(cloud)
    gateway.authorize_selected(order())


def ended(cloud: Cloud) -> None:
    """The reservation has ended; our rows do not say so yet."""
    authorized(cloud)
    later(31 * 60)


def dead(cloud: Cloud) -> None:
    """The reservation cannot be charged any more, by any clock."""
    authorized(cloud)
    later(60 * 60)


def lapsed(cloud: Cloud) -> None:
    dead(cloud)
    gateway.settle()


def confirmed_and_lapsed(cloud: Cloud) -> None:
    """The order is confirmed and ships a day later."""
    authorized(cloud)
    gateway.authorize_selected(order())
    later(25 * 3600)
    gateway.settle()


def shipped_unnoticed(cloud: Cloud) -> None:
    """A bulk update has set the status; no signal told of it."""
    authorized(cloud)
    Order.objects.update(status="shipped")


def beside_a_confirmed_order(cloud: Cloud) -> None:
    """Both orders together cost what the voucher holds; the other one is confirmed already."""
    a_voucher(cloud, amount="50.00", total="30.00")
    other = another_order("20.00")
    gateway.authorize(other, actions.A)
    gateway.authorize_selected(other)
    gateway.select(order(), actions.A)


def held_by_another_order(cloud: Cloud) -> None:
    """The balance covers only one of the two orders."""
    a_voucher(cloud, amount="20.00")
    gateway.authorize(another_order("20.00"), actions.A)


def taken_over(cloud: Cloud) -> None:
    a_voucher(cloud, amount="20.00")
    gateway.authorize(order(), actions.A)
    gateway.authorize(another_order("20.00"), actions.A)


def evicted(cloud: Cloud) -> None:
    """A till replaced the hold by one that it never charged."""
    authorized(cloud)
    cloud.reserve(actions.A, "1.00", client_id=_till(cloud))


def spent(cloud: Cloud) -> None:
    """A till charged the whole balance."""
    authorized(cloud)
    till = _till(cloud)
    cloud.charge(cloud.reserve(actions.A, "100.00", client_id=till), "T-1", client_id=till)


def captured(cloud: Cloud) -> None:
    authorized(cloud)
    gateway.capture(order())


def part_captured(cloud: Cloud) -> None:
    authorized(cloud)
    actions.capture_part()


def part_captured_and_rest_held(cloud: Cloud) -> None:
    part_captured(cloud)
    gateway.authorize(order(), actions.A)


def part_refunded(cloud: Cloud) -> None:
    captured(cloud)
    actions.refund_little()


def takes_no_refund(cloud: Cloud) -> None:
    """The voucher that paid is inactive: it takes no refund, though a recharge."""
    captured(cloud)
    cloud.behaviour = cloud.behaviour.but(refund_to_unusable_voucher="refuse")
    cloud.set_status(VoucherPayment.objects.get().voucher_id, "inactive")


def takes_no_recharge(cloud: Cloud) -> None:
    """It takes no recharge either."""
    takes_no_refund(cloud)
    cloud.behaviour = cloud.behaviour.but(recharge_of_unusable_voucher="refuse")


def takes_nothing(cloud: Cloud) -> None:
    """Nor is a new voucher created: of the rungs only a person is left."""
    takes_no_recharge(cloud)
    method, path = CREATE
    cloud.faults.next("before:422", method=method, path=path, times=None)


def read_again_later(cloud: Cloud) -> None:
    """A lost charge was sent again, and its trailing read is due."""
    gone_wrong(authorized, actions.capture, "before:drop", CHARGE)(cloud)
    settle_until_nothing_is_open()
    later(TRAILING_READ)


def two_captured(cloud: Cloud) -> None:
    two_authorized(cloud)
    gateway.capture(order())


def _till(cloud: Cloud) -> str:
    return cloud.add_client(name="Till").id


def gone_wrong(
    set_up: Callable[[Cloud], None], verb: Callable[[], object], fault: str, fault_at: tuple[str, str]
) -> Callable[[Cloud], None]:
    """The verb met a fault: its operation is unknown, or due again."""

    def composed(cloud: Cloud) -> None:
        set_up(cloud)
        method, path = fault_at
        cloud.faults.next(fault, method=method, path=path)
        with suppress(VoucherGatewayError):
            verb()

    return composed


def abandoned(set_up: Callable[[Cloud], None]) -> Callable[[Cloud], None]:
    """The worker that sent the operation never recorded the outcome."""

    def composed(cloud: Cloud) -> None:
        set_up(cloud)
        VoucherOperation.objects.filter(state="unknown").update(state="sending", error_code="")

    return composed


def and_cancelled(set_up: Callable[[Cloud], None]) -> Callable[[Cloud], None]:
    """The shop has cancelled in the meantime."""

    def composed(cloud: Cloud) -> None:
        set_up(cloud)
        actions.cancel()

    return composed
