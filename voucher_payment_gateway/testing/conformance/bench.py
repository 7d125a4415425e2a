"""The bench of a situation: a local Voucher Cloud, the steps of an order, passing time, and what must be true."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.apps import apps
from django.db import transaction
from django.db.models import DateTimeField, F, QuerySet

from voucher_payment_gateway.conf import gateway_settings
from voucher_payment_gateway.models import (
    VoucherIdempotencyKey,
    VoucherOperation,
    VoucherPayment,
    VoucherSale,
)
from voucher_payment_gateway.sandbox import VoucherView
from voucher_payment_gateway.testing import pytest_plugin
from voucher_payment_gateway.testing.cloud import ServedVoucherCloud, make_voucher, served
from voucher_payment_gateway.testing.conformance import visitor
from voucher_payment_gateway.testing.conformance.hooks import Hooks
from voucher_payment_gateway.testing.conformance.skips import declared

__all__ = ["Bench"]

ROWS = (VoucherOperation, VoucherIdempotencyKey, VoucherPayment, VoucherSale)


class RolledBackError(Exception):
    """Ends a transaction of the shop without a commit."""


class Bench(Hooks):
    """Steps that situations are made of. Amounts are texts, such as ``"20.00"``, in ``currency``."""

    cloud: ServedVoucherCloud
    """The local Voucher Cloud of this situation."""
    log: pytest.LogCaptureFixture
    vouchers: list[VoucherView]
    """The vouchers of this situation, as they were when they were made."""
    rival_holds: set[str]
    """The ids of the vouchers that another till holds."""
    needs_a_person: bool | None
    """Whether the situation ends with a payment that a person must see to; None where it may or may not."""

    @pytest.fixture(autouse=True)
    def _voucher_conformance(
        self, request: pytest.FixtureRequest, transactional_db: None, caplog: pytest.LogCaptureFixture
    ) -> Iterator[None]:
        with self.prepared(request, caplog):
            yield

    @contextmanager
    def prepared(self, request: pytest.FixtureRequest, log: pytest.LogCaptureFixture) -> Iterator[None]:
        """Connect the shop to a new local Voucher Cloud; only address and credentials of its settings change."""
        self.log, self.vouchers, self.rival_holds, self.needs_a_person = log, [], set(), False
        visitor.arrive(self)
        with served(behaviour=self.behaviour) as cloud, pytest_plugin.shop_connected_to(cloud, request):
            self.cloud = cloud
            yield

    # the steps of an order

    def voucher(self, amount: str, **fields: Any) -> VoucherView:
        """Add a voucher to the cloud."""
        given = {"currency": self.currency, "code": self.new_code(), **fields}
        self.vouchers.append(make_voucher(self.cloud, amount, **given))
        return self.vouchers[-1]

    def money(self, amount: str) -> Decimal:
        """Return an amount as hooks take it."""
        return Decimal(amount)

    def order(self, total: str) -> Any:
        """Make an order."""
        return self.make_order(Decimal(total))

    def entered(self, total: str, *amounts: str) -> Any:
        """Return an order with a voucher of each of ``amounts`` entered, followed by the vouchers."""
        order = self.order(total)
        vouchers = [self.voucher(amount) for amount in amounts]
        for voucher in vouchers:
            self.enter_voucher(order, voucher.code)
        return (order, *vouchers)

    def placed(self, total: str, *amounts: str) -> Any:
        """As ``entered``, and confirm the order."""
        order, *vouchers = self.entered(total, *amounts)
        self.confirm(order)
        return (order, *vouchers)

    def paid(self, total: str, *amounts: str) -> Any:
        """As ``placed``, and ship the order."""
        order, *vouchers = self.placed(total, *amounts)
        self.ship(order)
        return (order, *vouchers)

    def attempt(self, hook: Callable[..., None], *arguments: Any) -> Exception | None:
        """Do a step that the shop may refuse, and return how it refused."""
        try:
            hook(*arguments)
        except Exception as refusal:
            return refusal
        return None

    @contextmanager
    def rolled_back(self) -> Iterator[None]:
        """Run a block in a transaction of the shop that is not committed."""
        with suppress(RolledBackError), transaction.atomic():
            yield
            raise RolledBackError

    def only_where_shipping_charges(self) -> None:
        """Skip a situation between confirming and charging, in a shop that does both at once."""
        if self.charges_on == "confirm":
            raise declared(
                "it charges when the order is placed, so nothing is open between placing and shipping"
            )

    # others, and time

    def rival_reserves(self, voucher: VoucherView, amount: str) -> str:
        """Let another till reserve the voucher: the reservation of this shop ends. Return the new one's id."""
        self.rival_holds.add(voucher.id)
        return self.cloud.reserve(voucher.code, amount)

    def rival_spends(self, voucher: VoucherView, amount: str) -> None:
        """Let another till charge the voucher."""
        self.cloud.charge(self.cloud.reserve(voucher.code, amount), "ANOTHER-TILL")

    def later(self, **duration: float) -> None:
        """Let time pass: every instant of the gateway's rows and of the shop's orders moves into the past, and the
        cloud's clock forward."""
        delta = timedelta(**duration)
        for model in (*ROWS, apps.get_model(gateway_settings().ORDER_MODEL)):
            instants = [
                field.name for field in model._meta.concrete_fields if isinstance(field, DateTimeField)
            ]
            if instants:
                model._base_manager.update(**{name: F(name) - delta for name in instants})
        self.cloud.clock.advance(delta.total_seconds())

    # what must be true

    def payments(self, order: Any) -> QuerySet[VoucherPayment]:
        """Return the payments of the order."""
        return VoucherPayment.objects.filter(order_number=self.number_of(order))

    def booked(self, voucher: VoucherView) -> list[str]:
        """Return what this shop has booked on the voucher, oldest first, such as ``charge 20.00``."""
        own = {self.cloud.client_id, *(client for client, _ in self.cloud.accounts.values())}
        rows = self.cloud.bookings(voucher.id)
        return [f"{row.type} {row.amount}" for row in rows if row.client_id in own]

    def expect(self, is_true: bool, otherwise: str) -> None:
        """Fail with a sentence unless it is true."""
        if not is_true:
            raise AssertionError(otherwise)

    def expect_booked(self, voucher: VoucherView, *bookings: str) -> None:
        """Fail unless exactly these bookings of the shop stand on the voucher."""
        found, wanted = ", ".join(self.booked(voucher)), ", ".join(bookings)
        self.expect(
            found == wanted,
            f"voucher of {voucher.amount}: booked is {found or 'nothing'}, to be booked was {wanted or 'nothing'}",
        )

    def expect_charged(self, voucher: VoucherView, amount: str) -> None:
        """Fail unless the charges less what went back is ``amount``, by however many bookings."""
        found = self.charged(voucher)
        self.expect(
            found == Decimal(amount), f"voucher of {voucher.amount}: {found} is charged, not {amount}"
        )

    def charged(self, voucher: VoucherView) -> Decimal:
        """Return what this shop has charged to the voucher, less what it gave back."""
        bookings = [booking.split() for booking in self.booked(voucher)]
        return sum(
            (Decimal(amount) * (1 if kind == "charge" else -1) for kind, amount in bookings), Decimal(0)
        )

    def expect_held(self, voucher: VoucherView, amount: str) -> None:
        """Fail unless ``amount`` is held on the voucher."""
        found = self.cloud.voucher(voucher.id).held
        self.expect(found == Decimal(amount), f"voucher of {voucher.amount}: {found} is held, not {amount}")

    def expect_balance(self, voucher: VoucherView, amount: str) -> None:
        """Fail unless the voucher is still worth ``amount``."""
        self.expect_amount(
            f"voucher of {voucher.amount}: its balance is", self.cloud.balance(voucher.id), amount
        )

    def expect_amount(self, what: str, found: Decimal, amount: str) -> None:
        """Fail unless ``found`` is ``amount``."""
        self.expect(found == Decimal(amount), f"{what} {found}, not {amount}")

    def expect_due(self, order: Any, amount: str) -> None:
        """Fail unless the shop asks for ``amount`` by another method."""
        found = self.due_of(order)
        self.expect(found == Decimal(amount), f"the shop says that {found} is still due, and it is {amount}")
