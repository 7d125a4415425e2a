"""Once the faults stop, every operation ends after the grace period and two sweeps; a few later, by design."""

from collections import Counter

import pytest

from tests.docs.pages import page, section
from tests.proofs.storm.day import storm
from tests.proofs.storm.emphasis import Emphasis
from voucher_payment_gateway.conf import gateway_settings
from voucher_payment_gateway.models import VoucherOperation
from voucher_payment_gateway.rules.resolution import EXPIRY_MARGIN_SECONDS
from voucher_payment_gateway.rules.timing import HOLD_SECONDS, MAX_BACKOFF_SECONDS

DAYS = 15
BUSY = Emphasis(
    faults=("after:drop", "before:drop", "late:drop", "after:500", "before:503", "late:html504"),
    verbs={"capture": 4, "capture_part": 5, "refund": 2, "refund_part": 6, "authorize": 5, "cancel": 1},
    pauses=(1, 5, 40, 300),
)
"""A day that ends with many unknown operations: short pauses, and no sweep runs."""
AS_IT_COMES = Emphasis(settings={"REFUND_FALLBACK": ["manual"]})
"""Without a fallback: what is unknown about a voucher that was deleted stays so for a day."""
SLOWEST = {"forbidden", "had waited long", "follows another operation"}
A_HOLD_IS_DEAD_SECONDS = HOLD_SECONDS + EXPIRY_MARGIN_SECONDS


def still_open():
    return list(VoucherOperation.objects.filter(state__in=("due", "sending", "unknown")))


def sweep_after(seconds, people):
    people.cloud.clock.advance(seconds)
    people.do("settle")
    assert people.story[-1].endswith(": done")


def why_it_takes_longer(operation, people, waiting_until):
    """Return the documented reason that keeps an operation open, or "none"."""
    now, lag = people.cloud.clock.now(), gateway_settings().LIST_LAG_SECONDS
    if people.cloud.behaviour.refusal_status == 403 and _is_forbidden(operation):
        return "forbidden"
    if operation.refused_at:
        return "repetition refused"
    if operation.kind == "charge" and _may_still_land(operation, now, lag):
        return "waits until its reservation is dead"
    if operation.waits:
        return "follows another operation"
    if operation.state == "due" and waiting_until.get(operation.pk, now) > now:
        return "had waited long"
    return "none"


def _is_forbidden(operation):
    """Whether it is forbidden, or follows one on its voucher that is."""
    ahead = VoucherOperation.objects.filter(
        voucher_id=operation.voucher_id, waits=False, state__in=("due", "unknown")
    )
    codes = {operation.error_code, *(ahead.values_list("error_code", flat=True) if operation.waits else ())}
    return "credentials" in codes


def _may_still_land(charge, now, lag):
    """Whether a hold of its payment lives, or was fenced just now; a frozen worker may have reserved it late."""
    dead_at = charge.payment.reservation_dead_at
    is_fenced = charge.fence_at is not None and (now - charge.fence_at).total_seconds() < lag
    return is_fenced or (charge.state == "unknown" and dead_at is not None and now < dead_at)


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(("emphasis", "first"), [(AS_IT_COMES, 0), (BUSY, 1000)], ids=["as it comes", "busy"])
def test_once_the_faults_stop_every_operation_ends_after_the_grace_and_two_sweeps(emphasis, first, figures):
    longer, began = Counter(), 0
    for seed in range(first, first + DAYS):
        with storm(seed, emphasis) as people:
            grace, lag = gateway_settings().REFUND_GRACE_SECONDS, gateway_settings().LIST_LAG_SECONDS
            waiting_until = {operation.pk: operation.due_at for operation in still_open()}
            began += len(waiting_until)
            sweep_after(grace, people)
            sweep_after(lag, people)
            reasons = [why_it_takes_longer(operation, people, waiting_until) for operation in still_open()]
            assert "none" not in reasons, (seed, still_open())
            longer.update(reasons)
            sweep_after(
                A_HOLD_IS_DEAD_SECONDS, people
            )  # a hold that the first sweep reserved, counted from its answer
            sweep_after(lag, people)
            sweep_after(lag, people)  # a refused repetition is read once more
            left = {why_it_takes_longer(operation, people, waiting_until) for operation in still_open()}
            assert left <= SLOWEST, (seed, still_open())
            sweep_after(MAX_BACKOFF_SECONDS, people)
            sweep_after(MAX_BACKOFF_SECONDS, people)
            left = {why_it_takes_longer(operation, people, {}) for operation in still_open()}
            assert left <= {"forbidden"}, (seed, still_open())
    ended = began - longer.total()
    figures("faults stop", ended_after_grace_and_two_sweeps=(ended, began), later_by_design=longer.total())
    assert ended > longer.total()


def test_the_reasons_are_those_that_the_page_names():
    documented = " ".join(section(page("explanation/money-safety.md"), "When it is over").split())
    for figure in ("grace + 2 sweeps", f"{A_HOLD_IS_DEAD_SECONDS // 60} minutes", "at most an hour", "a day"):
        assert figure in documented
