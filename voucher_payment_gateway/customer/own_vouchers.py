"""The vouchers of a customer: those that their orders bought, and those that their orders were paid with.

The shop says which orders are the visitor's (``CUSTOMER_ORDERS``). Balances and bookings are read by the voucher's id.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any, Literal

from django.http import HttpRequest
from django.utils import timezone
from django.utils.module_loading import import_string

from voucher_payment_gateway.api import Charge, Voucher
from voucher_payment_gateway.conf import gateway_settings
from voucher_payment_gateway.exceptions import PaymentStateError, VoucherGatewayError
from voucher_payment_gateway.gateway.holds.parallel import in_parallel
from voucher_payment_gateway.gateway.records.bookings import bookings_of
from voucher_payment_gateway.gateway.records.vouchers import voucher_of
from voucher_payment_gateway.models import VoucherPayment, VoucherSale
from voucher_payment_gateway.money import ZERO
from voucher_payment_gateway.orders import known_number, order_created_at
from voucher_payment_gateway.rules.sales import ENDED_SALES
from voucher_payment_gateway.rules.timing import belongs_from

__all__ = ["OwnVoucher", "Use", "history_of", "own_vouchers", "with_balances"]

MAX_ORDERS = 1000
"""Maximum number of a visitor's orders that are looked at, the first ones that the shop returns."""


@dataclass(frozen=True)
class Use:
    """What an order of the customer paid with the voucher, and got back."""

    order_number: str
    amount: Decimal
    refunded: Decimal


@dataclass
class OwnVoucher:
    """One voucher. ``balance`` and ``valid_until`` are those of now where they could be read, in ``currency``."""

    account: str
    voucher_id: str
    hint: str
    currency: str
    sale: VoucherSale | None = None
    uses: list[Use] = field(default_factory=list)
    balance: Decimal | None = None
    valid_until: datetime | None = None
    is_active: bool | None = None
    payment_pk: int = 0
    """Of the newest payment, where the customer's orders were only paid with it."""

    @property
    def state(self) -> Literal["ordered", "unpaid", "active", "used_up", "ended", "unknown"]:
        """What the customer reads of it; ``unknown`` where it could not be read."""
        if self.sale is not None and self.sale.status != "active":
            return "unpaid" if self.sale.target == "issued" else "ordered"
        if self.is_active is None:
            return "unknown"
        if not self.is_active or (self.valid_until is not None and self.valid_until <= timezone.now()):
            return "ended"
        return "used_up" if self.balance is not None and self.balance <= ZERO else "active"

    @property
    def key(self) -> str:
        """Names the voucher in an address of the customer's own pages; not its code, nor its id."""
        return f"s{self.sale.pk}" if self.sale else f"p{self.payment_pk}"


def own_vouchers(request: HttpRequest) -> list[OwnVoucher]:
    """Return the vouchers of the visitor, the newest first; none without ``CUSTOMER_ORDERS``."""
    orders = _orders(request)
    found: dict[tuple[str, str], OwnVoucher] = {}
    for sale in VoucherSale.current.filter(order_number__in=orders).standing().order_by("-pk"):
        if sale.status not in ENDED_SALES and _belongs(sale, orders):
            found[sale.account, sale.voucher_id] = _bought(sale)
    payments = VoucherPayment.current.filter(order_number__in=orders, amount_captured__gt=ZERO)
    for payment in payments.exclude(voucher_id="").order_by("-pk"):
        if not _belongs(payment, orders):
            continue
        voucher = found.setdefault((payment.account, payment.voucher_id), _used(payment))
        voucher.uses.append(Use(payment.order_number, payment.amount_captured, payment.amount_refunded))
    return list(found.values())


def _orders(request: HttpRequest) -> dict[str, datetime | None]:
    """Return the numbers of the visitor's orders, each with the instant from which on the order exists, if known."""
    path = gateway_settings().CUSTOMER_ORDERS
    given: Iterable[Any] = (import_string(path)(request) or ()) if path else ()
    orders: dict[str, datetime | None] = {}
    for order in given:
        number, created_at = (order, None) if isinstance(order, str) else _facts(order)
        if number:
            orders[number] = created_at
        if len(orders) == MAX_ORDERS:
            break
    return orders


def _facts(order: Any) -> tuple[str, datetime | None]:
    try:
        return known_number(order), order_created_at(order)
    except PaymentStateError:
        return "", None


def _belongs(row: VoucherSale | VoucherPayment, orders: Mapping[str, datetime | None]) -> bool:
    """Return whether a sale or payment is of the visitor's order, and not of an earlier one with the same number."""
    created_at = orders[row.order_number]
    return created_at is None or row.created_at >= belongs_from(created_at)


def _bought(sale: VoucherSale) -> OwnVoucher:
    voucher = OwnVoucher(sale.account, sale.voucher_id, sale.code_hint, sale.currency, sale=sale)
    voucher.valid_until = sale.valid_until
    return voucher


def _used(payment: VoucherPayment) -> OwnVoucher:
    voucher = OwnVoucher(payment.account, payment.voucher_id, payment.code_hint, payment.currency)
    voucher.payment_pk = payment.pk
    return voucher


def with_balances(vouchers: list[OwnVoucher]) -> list[OwnVoucher]:
    """Read the balance of each at the same time; one that cannot be read is left out, and the page goes on without."""
    in_parallel(_read, [each for each in vouchers if each.sale is None or each.sale.status == "active"])
    return vouchers


def _read(own: OwnVoucher) -> None:
    try:
        voucher: Voucher | None = voucher_of(own.voucher_id, own.account)
    except VoucherGatewayError:
        return
    if voucher is None:
        own.is_active = False
    elif voucher.currency == own.currency:
        own.balance, own.valid_until = voucher.remaining_amount, voucher.valid_until or own.valid_until
        own.is_active = voucher.status == "active"


def history_of(own: OwnVoucher) -> list[Charge] | None:
    """Return the bookings of the voucher, tills and other shops included, newest first; None where they cannot be
    read."""
    try:
        bookings = bookings_of(own.voucher_id, own.account)
    except VoucherGatewayError:
        return None
    return sorted(bookings, key=_by_age, reverse=True)


def _by_age(booking: Charge) -> tuple[str, str]:
    return (booking.created_at.isoformat() if booking.created_at else "", booking.id)
