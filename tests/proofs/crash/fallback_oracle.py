"""The oracle of ``REFUND_FALLBACK``: what went back in another way than by a refund, and by which operations."""

from collections import defaultdict
from collections.abc import Iterator

from tests.proofs.crash.scenario import Scenario
from voucher_payment_gateway.models import VoucherOperation, VoucherPayment, VoucherSale
from voucher_payment_gateway.sandbox import LOCAL_CLIENT_ID, LocalVoucherCloud

__all__ = ["cents_back_otherwise", "rung_problems"]

KINDS = ("refund", "recharge", "issue", "activate", "deactivate")


def cents_back_otherwise(cloud: LocalVoucherCloud) -> dict[int, int]:
    """Return the cents of each payment, by its id, that its voucher was recharged with, and that new vouchers in place
    of a refund are worth which can be redeemed: by the Voucher Cloud's books."""
    back: dict[int, int] = defaultdict(int)
    for payment in VoucherPayment.objects.exclude(voucher_id=""):
        for row in cloud.bookings(payment.voucher_id):
            if row.type == "recharge" and row.client_id == LOCAL_CLIENT_ID:
                back[payment.pk] += round(row.amount * 100)
    replacements = VoucherSale.objects.filter(replaces_refund__isnull=False)
    for voucher_id, payment_id in replacements.values_list("voucher_id", "replaces_refund__payment_id"):
        voucher = cloud.store.state.vouchers.get(voucher_id)
        if voucher is not None and voucher.status == "active":
            back[payment_id] += voucher.balance_cents
    return back


def rung_problems(scenario: Scenario, *, to_its_end: bool) -> Iterator[str]:
    """The operations that gave money back are those of the scenario, each as it was to end; none before the shop has
    asked for it."""
    if not scenario.rungs:
        return
    rows = VoucherOperation.objects.filter(kind__in=KINDS).order_by("pk").values_list("kind", "state")
    made = [f"{kind} {state}" for kind, state in rows]
    if (made or to_its_end) and made != [*scenario.rungs]:
        yield f"the money went back by {made}, {[*scenario.rungs]} was to be"
