"""The steps of the official guide as a shop takes them: by the verbs of the gateway, with two orders."""

import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from decimal import Decimal

from voucher_payment_gateway import gateway
from voucher_payment_gateway.connection import voucher_cloud
from voucher_payment_gateway.exceptions import UnavailableError, VoucherGatewayError
from voucher_payment_gateway.gateway.records.vouchers import complete_voucher_of, voucher_of
from voucher_payment_gateway.management.walkthrough_figures import WrongFigureError, must_be
from voucher_payment_gateway.models import VoucherSale
from voucher_payment_gateway.opaque import Opaque
from voucher_payment_gateway.orders import OrderFacts

__all__ = ["shop_steps"]

CURRENCY = "EUR"
ACTOR = "walkthrough"


def shop_steps(account: str) -> Iterator[str]:
    """Yield a sentence for each step that succeeded. Raises WrongFigureError or VoucherGatewayError. No voucher is
    active afterwards, whatever failed."""
    name = f"WALKTHROUGH-{secrets.token_hex(4)}"
    giving = OrderFacts(f"{name}-1", Decimal("50.00"), CURRENCY, account=account)
    paying = OrderFacts(f"{name}-2", Decimal("50.00"), CURRENCY, account=account)
    with _nothing_left_active(giving, paying):
        sale = gateway.credit(giving, "20.00", key="first", actor=ACTOR)
        must_be("the status", (sale.status, sale.amount), ("active", Decimal("20.00")))
        _balance_must_be(sale, "20.00")
        yield f"shop, 3. create and 4. activate: credit gave {giving.number} a voucher over 20.00 {CURRENCY}"
        yield from _pay(paying, sale)
        yield from _top_up(sale)
        yield from _take_back(giving)
    must_be("the status", _status_of(sale), "inactive")
    yield f"voucher {sale.voucher_id} is inactive now; it has charges, so it cannot be deleted"


def _pay(order: OrderFacts, sale: VoucherSale) -> Iterator[str]:
    """Pay 20.00 of an order of 50.00, refund 5.00, then cancel: the voucher holds 20.00 again."""
    payment = gateway.authorize(order, _code_of(sale), actor=ACTOR)
    must_be("the authorized amount", payment.amount_authorized, Decimal("20.00"))
    yield f"shop, 5. reserve: authorize holds 20.00 of the 50.00 of {order.number}, 30.00 stay due"
    (payment,) = gateway.capture(order, actor=ACTOR)
    must_be("the captured amount", payment.amount_captured, Decimal("20.00"))
    _balance_must_be(sale, "0.00")
    yield f"shop, 6. charge: capture took 20.00 for {order.number}, the voucher is empty"
    (payment,) = gateway.refund(order, Decimal("5.00"), actor=ACTOR)
    must_be("the refunded amount", payment.amount_refunded, Decimal("5.00"))
    _balance_must_be(sale, "5.00")
    yield f"shop, 7. refund: refund gave 5.00 of {order.number} back, the voucher holds 5.00"
    (payment,) = gateway.cancel(order, actor=ACTOR)
    must_be("the status", (payment.status, payment.amount_refunded), ("cancelled", Decimal("20.00")))
    _balance_must_be(sale, "20.00")
    yield "shop, 7. refund: cancel gave the other 15.00 back, the voucher holds 20.00 again"


def _top_up(sale: VoucherSale) -> Iterator[str]:
    operation = gateway.top_up(sale, "10.00", key="first", actor=ACTOR)
    must_be("the recharge", (operation.state, operation.amount), ("succeeded", Decimal("10.00")))
    _balance_must_be(sale, "30.00")
    yield "shop, 8. recharge: top_up added 10.00, the voucher holds 30.00"


def _take_back(order: OrderFacts) -> Iterator[str]:
    """Give another voucher, and take it back unspent: it is deleted."""
    sale = gateway.credit(order, "10.00", key="second", actor=ACTOR)
    must_be("the status", sale.status, "active")
    (sale,) = gateway.take_back(sale, actor=ACTOR)
    must_be("the status", sale.status, "taken_back")
    must_be("the status at the Voucher Cloud", _status_of(sale), "deleted")
    yield "shop, back to the start: take_back deleted another voucher over 10.00, unspent"


@contextmanager
def _nothing_left_active(giving: OrderFacts, paying: OrderFacts) -> Iterator[None]:
    """Take back what was given to the order, at the end and where a step fails; else set it inactive."""
    try:
        yield
    except BaseException:
        with suppress(VoucherGatewayError):  # the error of the step is the one to report
            gateway.cancel(paying, actor=ACTOR)
        for sale in VoucherSale.current.of_order(giving.number):
            with suppress(VoucherGatewayError):
                _put_away(sale)
        raise
    for sale in VoucherSale.current.of_order(giving.number):
        _put_away(sale)


def _put_away(sale: VoucherSale) -> None:
    """Take a voucher back. One with charges is inactive at once and cannot be deleted: ``settle`` ends its sale."""
    try:
        gateway.take_back(sale, actor=ACTOR)
    except UnavailableError:
        if _status_of(sale) == "active":
            raise
    finally:
        if _status_of(sale) == "active":
            voucher_cloud(sale.account).set_voucher_status(sale.voucher_id, "inactive", ACTOR)


def _code_of(sale: VoucherSale) -> Opaque:
    voucher = complete_voucher_of(sale.voucher_id, sale.account)
    if voucher is None or not voucher.code:
        raise WrongFigureError("the voucher was created, but its code cannot be read")
    return Opaque(voucher.code)


def _status_of(sale: VoucherSale) -> str:
    voucher = voucher_of(sale.voucher_id, sale.account)
    return voucher.status if voucher else "deleted"


def _balance_must_be(sale: VoucherSale, expected: str) -> None:
    voucher = voucher_of(sale.voucher_id, sale.account)
    must_be("the balance", voucher and voucher.remaining_amount, Decimal(expected))
