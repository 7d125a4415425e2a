"""Run the eight steps of the Voucher Cloud's official guide by its API, then as a shop takes them, to the cent."""

import json
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from decimal import Decimal
from urllib.request import Request, urlopen

from voucher_payment_gateway.api import ClientCredentials, CompleteVoucher, VoucherCloud
from voucher_payment_gateway.conf import GatewaySettings
from voucher_payment_gateway.connection import new_client
from voucher_payment_gateway.exceptions import VoucherGatewayError
from voucher_payment_gateway.management.walkthrough_figures import WrongFigureError, must_be
from voucher_payment_gateway.management.walkthrough_shop import shop_steps

__all__ = ["WrongFigureError", "walk"]

CURRENCY = "EUR"
COMMENT = "walkthrough"
PIN_TIMEOUT_SECONDS = 5


def walk(settings: GatewaySettings, pin: str, account: str = "") -> Iterator[str]:
    """Yield a sentence for each step that succeeded. Raises WrongFigureError or VoucherGatewayError."""
    credentials = _connect(settings, pin)
    if credentials is None:
        yield "1. connect: left out, give --pin to try it; the configured credentials are used"
    else:
        yield f"1. connect: a PIN was exchanged for the credentials of client {credentials.id}"
    with _client(settings, credentials) as cloud:
        yield from _guide(cloud)
    yield from shop_steps(account)


def _connect(settings: GatewaySettings, pin: str) -> ClientCredentials | None:
    if not pin and settings.ENVIRONMENT == "local":
        pin = _local_pin(settings)
    if not pin:
        return None
    with _client(settings, None) as cloud:
        return cloud.connect(pin)


def _local_pin(settings: GatewaySettings) -> str:
    """Get from the local Voucher Cloud the PIN that a person reads in the vendor's admin interface."""
    address = settings.base_url.removesuffix("/v1") + "/sandbox/pins"
    body = json.dumps({"client_id": settings.CLIENT_ID}).encode()
    request = Request(address, body, {"Content-Type": "application/json"})  # noqa: S310 (loopback only)
    try:
        with urlopen(request, timeout=PIN_TIMEOUT_SECONDS) as answer:  # noqa: S310
            return str(json.load(answer)["pin"])
    except OSError as error:
        raise WrongFigureError(
            f"the local Voucher Cloud does not answer: start it with voucher_sandbox ({error})"
        ) from None


def _client(settings: GatewaySettings, credentials: ClientCredentials | None) -> VoucherCloud:
    if credentials is None:
        return new_client(settings)
    return new_client(settings, client_id=credentials.id, client_secret=credentials.secret)


def _guide(cloud: VoucherCloud) -> Iterator[str]:
    cloud.authenticate()
    yield "2. token: the credentials were exchanged for an access token"
    with _voucher(cloud, "10.00") as voucher:
        yield f"3. create: voucher {voucher.id} over 10.00 {CURRENCY}, {voucher.status}"
        _activate(cloud, voucher)
        yield "4. activate: the voucher is active"
        yield from _book(cloud, voucher)
    yield f"voucher {voucher.id} is inactive now; it has charges, so it cannot be deleted"


def _book(cloud: VoucherCloud, voucher: CompleteVoucher) -> Iterator[str]:
    held = cloud.reserve(code=_code(cloud, voucher), amount=Decimal("5.00"), currency=CURRENCY)
    must_be("the reserved amount", held.amount, Decimal("5.00"))
    yield "5. reserve: 5.00 of 10.00 are held"
    charge = cloud.charge(held.id, "ORDER-001")
    must_be("the charged amount", charge.amount, Decimal("5.00"))
    _balance_must_be(cloud, voucher, "5.00")
    yield "6. charge: 5.00 were charged for ORDER-001, 5.00 are left"
    refund = cloud.refund(charge.id, Decimal("5.00"), CURRENCY)
    must_be("the refunded amount", refund.amount, Decimal("5.00"))
    _balance_must_be(cloud, voucher, "10.00")
    yield "7. refund: 5.00 went back, the voucher holds 10.00"
    recharge = cloud.recharge_voucher(
        amount=Decimal("10.00"), currency=CURRENCY, order_number="RECHARGE-001", id=voucher.id
    )
    must_be("the recharged amount", recharge.amount, Decimal("10.00"))
    _balance_must_be(cloud, voucher, "20.00")
    yield "8. recharge: 10.00 were added, the final balance is 20.00"


@contextmanager
def _voucher(cloud: VoucherCloud, amount: str) -> Iterator[CompleteVoucher]:
    """Create a voucher, and set it inactive at the end, also where a step fails."""
    voucher = cloud.create_voucher(amount=Decimal(amount), currency=CURRENCY)
    try:
        yield voucher
    except BaseException:
        with suppress(VoucherGatewayError):  # the error of the step is the one to report
            _set_inactive(cloud, voucher)
        raise
    _set_inactive(cloud, voucher)


def _set_inactive(cloud: VoucherCloud, voucher: CompleteVoucher) -> None:
    """Set the voucher inactive; repeat it once where the answer was lost: that changes nothing more."""
    try:
        cloud.set_voucher_status(voucher.id, "inactive", COMMENT)
    except VoucherGatewayError:
        cloud.set_voucher_status(voucher.id, "inactive", COMMENT)


def _activate(cloud: VoucherCloud, voucher: CompleteVoucher) -> None:
    must_be("the status", cloud.set_voucher_status(voucher.id, "active", COMMENT).status, "active")


def _code(cloud: VoucherCloud, voucher: CompleteVoucher) -> str:
    """Return the code of a new voucher; read it where the answer to its creation lacks it."""
    code = voucher.code or cloud.get_complete_voucher(voucher.id).code
    if not code:
        raise WrongFigureError("the voucher was created, but its code cannot be read")
    return code


def _balance_must_be(cloud: VoucherCloud, voucher: CompleteVoucher, expected: str) -> None:
    must_be("the balance", cloud.get_voucher(voucher.id).remaining_amount, Decimal(expected))
