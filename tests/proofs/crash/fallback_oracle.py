"""The oracle of ``REFUND_FALLBACK``: by which operations money went back."""

from collections.abc import Iterator

from tests.proofs.crash.scenario import Scenario
from voucher_payment_gateway.models import VoucherOperation

__all__ = ["rung_problems"]

KINDS = ("refund", "recharge", "issue", "activate", "deactivate")


def rung_problems(scenario: Scenario, *, to_its_end: bool) -> Iterator[str]:
    """Return an error unless the operations that give money back are those of the scenario, each in its final state.
    There may be none where the crash came before the first one, and the shop did not retry."""
    if not scenario.rungs:
        return
    rows = VoucherOperation.objects.filter(kind__in=KINDS).order_by("pk").values_list("kind", "state")
    made = [f"{kind} {state}" for kind, state in rows]
    if (made or to_its_end) and made != [*scenario.rungs]:
        yield f"the money went back by {made}, {[*scenario.rungs]} was to be"
