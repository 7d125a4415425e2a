"""The oracle of ``REFUND_FALLBACK``: what went back without a refund, and by which operations."""

from collections import defaultdict
from collections.abc import Iterator

from tests.proofs.crash.scenario import Scenario
from voucher_payment_gateway.models import VoucherOperation, VoucherPayment, VoucherSale
from voucher_payment_gateway.sandbox import LOCAL_CLIENT_ID, LocalVoucherCloud

__all__ = ["cents_back_otherwise", "rung_problems"]

KINDS = ("refund", "recharge", "issue", "activate", "deactivate")


def cents_back_otherwise(cloud: LocalVoucherCloud) -> dict[int, int]:
    """Return the cents that went back without a refund, by the id of the payment: the recharges of its voucher, and the
    balance of the active vouchers that replace a refund, both by the Voucher Cloud's books."""
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
    """Return an error unless the operations that give money back are those of the scenario, each in its final state.
    There may be none where the crash came before the first one, and the shop did not retry."""
    if not scenario.rungs:
        return
    rows = VoucherOperation.objects.filter(kind__in=KINDS).order_by("pk").values_list("kind", "state")
    made = [f"{kind} {state}" for kind, state in rows]
    if (made or to_its_end) and made != [*scenario.rungs]:
        yield f"the money went back by {made}, {[*scenario.rungs]} was to be"
