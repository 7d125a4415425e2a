"""A local Voucher Cloud whose time passes only while the probe waits, and what the probe ought to find there."""

from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal

import httpx

from voucher_payment_gateway.conf import ApiBehaviour, GatewaySettings
from voucher_payment_gateway.management.probe import Probe, TimeSource
from voucher_payment_gateway.sandbox import DOCUMENTED, Clock, LocalVoucherCloud, mock_transport

NOON = datetime(2026, 1, 31, 12, 0, tzinfo=UTC)


@dataclass
class Bench:
    """A local Voucher Cloud whose time passes only while the probe waits."""

    cloud: LocalVoucherCloud = field(default_factory=lambda: LocalVoucherCloud(Clock(NOON)))
    waited: list[float] = field(default_factory=list)
    probe: Probe | None = None

    def __post_init__(self):
        self.transport = mock_transport(self.cloud)

    def run(self, behaviour=DOCUMENTED, client=None):
        """Run the probe in process; return what each experiment found, by name."""
        self.cloud.behaviour = behaviour
        client_id, secret = client or ("local-shop", "local-shop-secret")
        given = GatewaySettings(
            ENVIRONMENT="local", CLIENT_ID=client_id, CLIENT_SECRET=secret, ORDER_MODEL="shop.Order"
        )
        time_source = TimeSource(
            lambda: (self.cloud.clock.now() - NOON).total_seconds(), self.wait, self.cloud.clock.now
        )
        self.probe = Probe(given, transport=self.transport, time_source=time_source)
        return {finding.name: finding for finding in self.probe.findings()}

    def wait(self, seconds):
        self.waited.append(seconds)
        self.cloud.clock.advance(seconds)

    def through(self, answer):
        """Let ``answer`` see each request first; what it returns is the answer, None leaves it to the cloud."""
        real = self.transport
        self.transport = httpx.MockTransport(lambda request: answer(request) or real.handle_request(request))

    def redeemable(self):
        return [
            voucher.id
            for voucher in self.cloud.store.state.vouchers.values()
            if not voucher.deleted and voucher.status == "active"
        ]

    def open_holds(self):
        books = self.cloud.store
        return [
            hold.id
            for hold in books.state.reservations.values()
            if books.is_in_force(hold, books.now())
            and not hold.charge_id
            and not books.state.vouchers[hold.voucher_id].deleted
        ]

    def not_given_back(self):
        """Return what of each charge has not gone back, beyond the cent that an API may refuse, by voucher."""
        refused = Decimal("0.01") if self.cloud.behaviour.refund_limit == "less_than" else Decimal(0)
        rows = [
            (voucher.id, row)
            for voucher in self.cloud.store.state.vouchers.values()
            if not voucher.deleted
            for row in self.cloud.bookings(voucher.id)
        ]
        owed = {row.id: (voucher_id, row.amount) for voucher_id, row in rows if row.type == "charge"}
        for _, row in rows:
            if row.type == "refund":
                owed[row.charge_id] = (owed[row.charge_id][0], owed[row.charge_id][1] - row.amount)
        return {voucher_id: amount for voucher_id, amount in owed.values() if amount > refused}

    def is_tidy(self):
        self.cloud.ledger.check()
        return (
            self.redeemable(),
            self.open_holds(),
            self.not_given_back(),
            self.probe.left_behind,
        ) == ([], [], {}, [])


def observed(findings):
    return {name: finding.value for name, finding in findings.items() if finding.is_behaviour}


def truth(behaviour):
    values = {name: getattr(behaviour, name) for name in ApiBehaviour.model_fields}
    values["cancel_reservation"] = "works" if behaviour.cancel_reservation == "works" else "absent"
    return values


def pasted(text):
    names = {}
    exec(text, names)
    return names
