"""A call of the probe whose answer was lost is found in the lists and taken back, or reported."""

import httpx
import pytest

from tests.management.bench import Bench, observed, truth
from voucher_payment_gateway.sandbox import DOCUMENTED, HOSTILE, LENIENT, SCOPES, Behaviour

LOST = ("after:drop", "after:500", "after:html502", "after:garbage", "after:truncated", "after:other")
CALLS = {
    "create": ("POST", "/v1/vouchers"),
    "reserve": ("POST", "/v1/reservations"),
    "charge": ("POST", "*/charge"),
    "refund": ("POST", "*/refund"),
    "activate": ("PATCH", "*/status"),
    "cancel": ("DELETE", "/v1/reservations/*"),
    "delete": ("DELETE", "/v1/vouchers/*"),
}


@pytest.mark.parametrize(
    "behaviour", [DOCUMENTED, LENIENT, HOSTILE], ids=["documented", "lenient", "hostile"]
)
@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize("fault", LOST)
def test_what_was_done_without_an_answer_is_taken_back(bench, behaviour, call, fault):
    method, path = CALLS[call]
    bench.cloud.faults.next(fault, method=method, path=path)
    found = observed(bench.run(behaviour))
    known = {name: value for name, value in found.items() if value is not None}
    assert known.items() <= truth(behaviour).items()
    assert len(bench.cloud.faults.log) == 1
    assert untold(bench) == []
    # The first refund under the hostile behaviour is a refusal: no list can show that it was none.
    assert bench.is_tidy() or (call, behaviour) == ("refund", HOSTILE)
    assert bench.probe.kept == kept(bench)


@pytest.mark.parametrize("end", ["/charge", "/refund"])
def test_wherever_in_the_run_an_answer_is_lost_its_booking_is_taken_back(end):
    whole = Bench()
    whole.run()
    count = sum(request.path.endswith(end) for request in whole.cloud.requests)
    assert count > 15
    for position in range(0, count, 3):
        bench = Bench()
        booked = losing(bench, end, position)
        bench.run()
        assert untold(bench) == [], position
        assert bench.is_tidy() or booked == [False], position


def losing(bench, end, position):
    """Lose the answer to one of the calls to a path; the list that is returned will say whether it booked."""
    real, seen, booked = bench.transport, [], []

    def lose(request):
        if not request.url.path.endswith(end):
            return None
        seen.append(request)
        if len(seen) != position + 1:
            return real.handle_request(request)
        before = len(bench.cloud.store.state.bookings)
        real.handle_request(request)
        booked.append(len(bench.cloud.store.state.bookings) > before)
        raise httpx.ReadError("the answer is lost")

    bench.through(lose)
    return booked


@pytest.mark.parametrize("seed", range(30))
def test_in_a_storm_nothing_stays_that_is_not_told(bench, seed):
    bench.cloud.faults.draw(seed, rate=0.1, faults=LOST, method="POST")
    bench.run(Behaviour.random(seed))
    assert bench.cloud.faults.log
    assert untold(bench) == []


@pytest.mark.parametrize("call", ["charge", "refund"])
def test_a_booking_that_was_perhaps_never_made_is_told(bench, call):
    method, path = CALLS[call]
    bench.cloud.faults.next("before:drop", method=method, path=path, times=None)
    bench.run()
    reported = [sentence for sentence in bench.probe.left_behind if sentence.startswith(f"perhaps a {call}")]
    assert bool(reported) == (call == "refund")  # a voucher that can be deleted has no charge
    assert all(sentence.endswith("did not appear in the list within two minutes") for sentence in reported)
    assert bench.redeemable() == []


def test_a_booking_that_the_list_does_not_show_is_told(bench):
    bench.cloud.faults.next("after:drop", method="POST", path="*/charge")
    bench.run(DOCUMENTED.but(list_lag_seconds=1000))
    (voucher_id,) = bench.not_given_back()
    (sentence,) = bench.probe.left_behind
    assert sentence.startswith("perhaps a charge under the order number PROBE-")
    assert voucher_id in sentence


def test_a_list_that_cannot_be_read_is_not_waited_for(bench):
    client = bench.cloud.add_client([scope for scope in SCOPES if scope != "read-lists"])
    for call in ("create", "charge"):
        method, path = CALLS[call]
        bench.cloud.faults.next("after:drop", method=method, path=path)
    bench.run(client=(client.id, client.secret))
    assert bench.waited == []
    assert [sentence.partition(" of ")[0] for sentence in bench.probe.left_behind] == [
        "perhaps an inactive voucher",
        "perhaps a charge under the order number " + "PROBE-" + bench.probe.run + "-001",
    ]
    assert {sentence.rpartition(", and ")[2] for sentence in bench.probe.left_behind} == {
        "the list cannot be read"
    }


def test_a_voucher_that_was_perhaps_never_created_is_told(bench):
    bench.cloud.faults.next("before:drop", method="POST", path="/v1/vouchers")
    bench.run()
    (sentence,) = bench.probe.left_behind
    assert sentence.startswith(f"perhaps an inactive voucher of the batch {bench.probe.batch!r}")
    assert kept(bench) == bench.probe.kept


def test_vouchers_of_others_are_left_alone(bench):
    other = bench.cloud.add_voucher(code="GIFT-20", batch="voucher_probe 00000000")
    bench.cloud.faults.next("after:drop", method="POST", path="/v1/vouchers")
    bench.run()
    assert bench.cloud.voucher(other.id).status == "active"
    assert bench.probe.left_behind == []


def test_what_was_asked_for_when_somebody_stops_the_run_is_taken_back(bench):
    real, stopped = bench.transport, []

    def stop(request):
        if request.url.path.endswith("/charge") and not stopped:
            stopped.append(real.handle_request(request))
            raise KeyboardInterrupt

    bench.through(stop)
    with pytest.raises(KeyboardInterrupt):
        bench.run()
    assert bench.is_tidy()


def untold(bench):
    """Return the vouchers that are redeemable or hold back money, and are not named."""
    bench.cloud.ledger.check()
    sentences = " ".join(bench.probe.left_behind)
    return [each for each in [*bench.redeemable(), *bench.not_given_back()] if each not in sentences]


def kept(bench):
    return sum(not voucher.deleted for voucher in bench.cloud.store.state.vouchers.values())
