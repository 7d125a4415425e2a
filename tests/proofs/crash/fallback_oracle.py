"""The oracle of ``REFUND_FALLBACK``: by which operations money went back."""

from collections.abc import Iterator

from tests.proofs.crash.scenario import Scenario
from voucher_payment_gateway.models import VoucherOperation, VoucherPayment

__all__ = ["rung_problems", "unseen_problems"]

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


def unseen_problems(scenario: Scenario) -> Iterator[str]:
    """Return an error unless money whose last rung was refused is found by the query, whatever signal was lost."""
    states = VoucherOperation.objects.filter(kind__in=KINDS).order_by("pk").values_list("state", flat=True)
    is_left = scenario.rungs and list(states)[-1:] == ["refused"]
    if is_left and not VoucherPayment.objects.needing_attention().exists():
        yield "the refund was refused to the end, and no query says that it needs a person"
