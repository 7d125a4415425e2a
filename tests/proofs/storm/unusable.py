"""What comes back to vouchers that take no refund: they have expired, were deactivated or deleted meanwhile."""

from decimal import Decimal as D
from random import Random
from typing import Any

from django.conf import settings

from tests.proofs.storm.books import bookings_of
from tests.proofs.storm.faults import FaultInjector
from tests.shop.models import Order
from voucher_payment_gateway import gateway
from voucher_payment_gateway.gateway.verbs.hand_over import confirm_seen
from voucher_payment_gateway.models import VoucherOperation, VoucherPayment, VoucherSale
from voucher_payment_gateway.sandbox import LocalVoucherCloud
from voucher_payment_gateway.sealing import unseal

__all__ = ["FALLBACK_VERBS", "UnusableStories", "fallback_behaviour", "fallback_settings", "falls_back"]

FALLBACK_VERBS = {"come_back": 18, "come_back_keyed": 9, "cancel_unusable": 5, "see_page": 5, "settle": 8}
"""The weights of these stories, beside the others."""
ONE_DAY_IN = 2
"""One day in so many has a fallback for refunds."""
RUNGS = (
    ["recharge", "new_voucher", "manual"],
    ["recharge", "new_voucher", "manual"],
    ["recharge", "new_voucher"],
    ["new_voucher", "manual"],
    ["recharge", "manual"],
    ["manual"],
)
OPEN = ("due", "sending", "unknown")
REASONS = ("expired", "inactive", "inactive", "deleted")


def falls_back(seed: int) -> bool:
    """Return whether the shop of a day has a fallback for refunds; drawn apart from all else."""
    return Random(f"falls back {seed}").randrange(ONE_DAY_IN) == 0


def fallback_settings(seed: int) -> dict[str, Any]:
    draw = Random(f"rungs {seed}")
    return {"REFUND_FALLBACK": draw.choice(RUNGS), "VOUCHER_DELIVERY": draw.choice(("mail", "signal"))}


def fallback_behaviour(seed: int) -> dict[str, Any]:
    """Return how the Voucher Cloud of such a day differs: for the most part an unusable voucher takes no refund."""
    draw = Random(f"unusable {seed}")
    return {
        "refund_to_unusable_voucher": draw.choice(("refuse", "refuse", "refuse", "accept")),
        "recharge_of_unusable_voucher": draw.choice(("refuse", "accept")),
    }


class UnusableStories:
    """The stories of refunds that a voucher cannot take."""

    random: Random
    cloud: LocalVoucherCloud
    vouchers: list[Any]
    injector: FaultInjector
    sold: Any

    @property
    def rungs(self) -> list[str]:
        return list(settings.VOUCHER_PAYMENT_GATEWAY.get("REFUND_FALLBACK", ["manual"]))

    def come_back(self, order: Order, voucher: Any, amount: str) -> None:
        """Something comes back after the voucher that paid for it can take no refund any more."""
        self._spoil(order)
        gateway.refund(order, *((amount,) if self.random.random() < 0.6 else ()))

    def come_back_keyed(self, order: Order, voucher: Any, amount: str) -> None:
        """The same, booked by a job that may run twice."""
        self._spoil(order)
        key = f"return {amount}"
        for _ in range(self.random.randint(1, 2)):
            gateway.refund(order, amount, key=key, reason=key)

    def cancel_unusable(self, order: Order, voucher: Any, amount: str) -> None:
        """The order is cancelled after its voucher can take no refund any more."""
        self._spoil(order)
        gateway.cancel(order)

    def see_page(self, order: Order, voucher: Any, amount: str) -> None:
        """The customer opens the page with the code of a voucher in place of a refund, and confirms that."""
        for sale in VoucherSale.objects.filter(delivery="page", status="active").exclude(sealed_code=""):
            secret = unseal(sale.sealed_code)
            if secret is not None:
                self.sold.codes[secret.code.reveal()] += 1
                confirm_seen(sale)

    def _spoil(self, order: Order) -> None:
        """Let a voucher that paid for the order expire, be deactivated or be deleted. The API deletes none that was
        spent, so an operator of the Voucher Cloud does."""
        with self.injector.paused():
            used = VoucherPayment.objects.filter(order_number=order.number, amount_captured__gt=D(0))
            ids = set(used.values_list("voucher_id", flat=True))
        known = [each.id for each in self.vouchers if each.id in ids]
        if not known or self.random.random() < 0.2:
            return
        voucher = self.cloud.store.state.vouchers[self.random.choice(known)]
        reason = self.random.choice(REASONS)
        with self.injector.paused():
            takes_nothing = self._takes_nothing(voucher.id)
        if voucher.deleted:
            return
        if reason == "deleted" and takes_nothing:
            voucher.deleted = True
            self.cloud.store.ledger.withdrawn(voucher.id, self.cloud.clock.now())
            voucher.balance_cents = 0
        elif reason == "expired":
            voucher.valid_until = self.cloud.clock.now()
        else:
            reason, voucher.status = "inactive", "inactive"
        self.injector.seen[f"voucher {reason}"] += 1

    def _takes_nothing(self, voucher_id: str) -> bool:
        """Return whether nothing can be booked on a voucher that is deleted, and it was spent; nobody deletes one that
        something is under way for."""
        is_open = VoucherOperation.objects.filter(voucher_id=voucher_id, state__in=OPEN).exists()
        refuses = self.cloud.behaviour.refund_to_unusable_voucher == "refuse"
        return refuses and not is_open and bool(bookings_of(self.cloud, voucher_id))
