"""How things stand at the Voucher Cloud and in the shop when a story begins."""

from collections.abc import Callable
from contextlib import suppress

from tests.proofs.crash import actions
from tests.proofs.crash.shop import another_order, later, order
from voucher_payment_gateway import gateway
from voucher_payment_gateway.exceptions import VoucherGatewayError
from voucher_payment_gateway.models import VoucherOperation
from voucher_payment_gateway.sandbox import LocalVoucherCloud

Cloud = LocalVoucherCloud
RESERVE, CHARGE, REFUND = ("POST", "/v1/reservations"), ("POST", "*/charge"), ("POST", "*/refund")
RELEASE, READ = ("DELETE", "/v1/reservations/*"), ("GET", "*/charges")


def a_voucher(cloud: Cloud, amount: str = "100.00", total: str = "20.00") -> None:
    """It holds more than the order costs: what keeps us from charging twice is not its balance."""
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
    """The reservation has ended, and nobody has noticed yet."""
    authorized(cloud)
    later(31 * 60)


def dead(cloud: Cloud) -> None:
    """It ended so long ago that it cannot be charged any more, whatever clock it lives by."""
    authorized(cloud)
    later(60 * 60)


def lapsed(cloud: Cloud) -> None:
    dead(cloud)
    gateway.settle()


def held_by_another_order(cloud: Cloud) -> None:
    """It pays for one of them."""
    a_voucher(cloud, amount="20.00")
    gateway.authorize(another_order("20.00"), actions.A)


def taken_over(cloud: Cloud) -> None:
    a_voucher(cloud, amount="20.00")
    gateway.authorize(order(), actions.A)
    gateway.authorize(another_order("20.00"), actions.A)


def evicted(cloud: Cloud) -> None:
    """A till took the hold over and let it lapse."""
    authorized(cloud)
    cloud.reserve(actions.A, "1.00", client_id=_till(cloud))


def spent(cloud: Cloud) -> None:
    """A till took the money."""
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


def two_captured(cloud: Cloud) -> None:
    two_authorized(cloud)
    gateway.capture(order())


def _till(cloud: Cloud) -> str:
    return cloud.add_client(name="Till").id


def gone_wrong(
    arrange: Callable[[Cloud], None], verb: Callable[[], object], fault: str, fault_at: tuple[str, str]
) -> Callable[[Cloud], None]:
    """What the verb did went wrong: nobody knows its outcome, or it was not carried out and is due again."""

    def arranged(cloud: Cloud) -> None:
        arrange(cloud)
        method, path = fault_at
        cloud.faults.next(fault, method=method, path=path)
        with suppress(VoucherGatewayError):
            verb()

    return arranged


def abandoned(arrange: Callable[[Cloud], None]) -> Callable[[Cloud], None]:
    """The worker that sent it is not heard of any more."""

    def arranged(cloud: Cloud) -> None:
        arrange(cloud)
        VoucherOperation.objects.filter(state="unknown").update(state="sending", error_code="")

    return arranged


def and_cancelled(arrange: Callable[[Cloud], None]) -> Callable[[Cloud], None]:
    """The shop wants it no more."""

    def arranged(cloud: Cloud) -> None:
        arrange(cloud)
        actions.cancel()

    return arranged
