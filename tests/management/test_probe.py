"""The probe finds each switch of the local Voucher Cloud, and takes back what it used."""

from decimal import Decimal

import httpx
import pytest

from tests.management.bench import NOON, observed, pasted, truth
from voucher_payment_gateway.conf import ApiBehaviour
from voucher_payment_gateway.exceptions import CredentialsError
from voucher_payment_gateway.management.probe.findings import api_behaviour, error_meanings
from voucher_payment_gateway.sandbox import (
    DOCUMENTED,
    HOSTILE,
    LENIENT,
    SCOPES,
    Behaviour,
    Clock,
    LocalVoucherCloud,
)

SWITCHES = {
    "second_charge": ["refuse", "same", "book_again"],
    "open_reservation_lowers_balance": [False, True],
    "order_number_filter": ["exact", "prefix", "ignored"],
    "list_lag_seconds": [0, 5, 55],
    "refund_limit": ["up_to", "less_than"],
    "refund_limit_shrinks": [True, False],
    "refund_carries_order_number": [True, False],
    "refund_to_unusable_voucher": ["accept", "refuse"],
    "cancel_reservation": ["absent", "not_allowed", "works"],
    "create_id_field": ["id", "custom_id", "both"],
    "post_status": [200, 201],
}


def test_every_key_of_api_behaviour_is_tried_here():
    assert SWITCHES.keys() == ApiBehaviour.model_fields.keys()


@pytest.mark.parametrize(
    ("switch", "value"), [(name, value) for name in SWITCHES for value in SWITCHES[name]]
)
def test_each_value_of_each_switch_is_found_and_nothing_redeemable_stays(bench, switch, value):
    behaviour = DOCUMENTED.but(**{switch: value})
    assert observed(bench.run(behaviour)) == truth(behaviour)
    assert bench.is_tidy()


@pytest.mark.parametrize("behaviour", [LENIENT, HOSTILE], ids=["lenient", "hostile"])
def test_a_whole_preset_is_found(bench, behaviour):
    assert observed(bench.run(behaviour)) == truth(behaviour)
    assert bench.is_tidy()


@pytest.mark.parametrize("seed", range(40))
def test_no_combination_of_unknowns_makes_the_probe_say_something_wrong(bench, seed):
    behaviour = Behaviour.random(seed)
    assert observed(bench.run(behaviour)) == truth(behaviour)
    assert bench.is_tidy()


def test_what_is_printed_can_be_pasted(bench):
    findings = bench.run(HOSTILE)
    values = pasted(api_behaviour(findings.values()))["API_BEHAVIOUR"]
    assert ApiBehaviour(**values).model_dump() == truth(HOSTILE)


@pytest.mark.parametrize(("limit", "rest"), [("up_to", Decimal("0.00")), ("less_than", Decimal("0.01"))])
def test_what_was_charged_is_refunded_as_far_as_the_api_lets_it(bench, limit, rest):
    bench.run(DOCUMENTED.but(refund_limit=limit))
    kept = [voucher for voucher in bench.cloud.store.state.vouchers.values() if not voucher.deleted]
    assert len(kept) == bench.probe.kept > 5
    charges = [row for voucher in kept for row in bench.cloud.bookings(voucher.id) if row.type == "charge"]
    refunds = [row for voucher in kept for row in bench.cloud.bookings(voucher.id) if row.type == "refund"]
    gone = {charge.id: sum(row.amount for row in refunds if row.charge_id == charge.id) for charge in charges}
    assert {charge.amount - gone[charge.id] for charge in charges} == {rest}


def test_a_list_that_lags_for_longer_than_the_probe_waits_leaves_three_keys_out(bench):
    behaviour = DOCUMENTED.but(list_lag_seconds=500)
    findings = bench.run(behaviour)
    unknown = {name for name, value in observed(findings).items() if value is None}
    assert unknown == {"list_lag_seconds", "order_number_filter", "refund_carries_order_number"}
    assert unknown.isdisjoint(pasted(api_behaviour(findings.values()))["API_BEHAVIOUR"])
    assert "within two minutes" in findings["list_lag_seconds"].text
    assert sum(bench.waited) <= 3 * 120


def test_one_experiment_that_fails_does_not_stop_the_others(bench):
    bench.cloud.faults.next("after:drop", method="POST", path="*/charge")
    findings = bench.run()
    assert findings["second_charge"].value is None
    assert findings["second_charge"].text.startswith("OutcomeUnknownError")
    del findings["second_charge"]
    assert None not in observed(findings).values()
    assert bench.is_tidy()


def test_vouchers_that_cannot_be_deactivated_are_named(bench):
    bench.through(lambda request: httpx.Response(503) if b'"inactive"' in request.content else None)
    bench.run()
    assert bench.redeemable() != []
    reported = {sentence.split()[1] for sentence in bench.probe.left_behind}
    assert reported == set(bench.redeemable())


def test_holds_end_where_no_voucher_can_be_deleted(bench):
    bench.through(lambda request: httpx.Response(503) if request.method == "DELETE" else None)
    bench.run()
    assert bench.is_tidy()
    assert len(bench.cloud.store.state.vouchers) == bench.probe.kept


def test_it_slows_down_when_it_is_asked_to(bench):
    bench.cloud.faults.next("before:429", method="POST", path="*/reservations")
    assert observed(bench.run()) == truth(DOCUMENTED)
    assert len(bench.waited) == 1


def test_it_ends_at_once_without_credentials(bench):
    with pytest.raises(CredentialsError):
        bench.run(client=("local-shop", "wrong"))
    assert bench.cloud.store.state.vouchers == {}


@pytest.mark.parametrize("missing", ["manage", "use", "read", "read-lists"])
def test_a_missing_right_is_named_and_nothing_is_concluded_from_it(bench, missing):
    client = bench.cloud.add_client([scope for scope in SCOPES if scope != missing])
    findings = bench.run(client=(client.id, client.secret))
    known = {name: value for name, value in observed(findings).items() if value is not None}
    assert known.items() <= truth(DOCUMENTED).items()
    assert f"the client lacks the right {missing}" in {finding.text for finding in findings.values()}
    assert pasted(error_meanings(findings.values()))["ERROR_MEANINGS"] == {}
    assert bench.open_holds() == []


def test_a_voucher_without_bookings_is_set_inactive_and_deleted(bench):
    bench.run(DOCUMENTED.but(delete_of_active_voucher="accept"))
    kept = bench.probe.kept
    bench.cloud = LocalVoucherCloud(Clock(NOON))
    bench.run(DOCUMENTED.but(delete_of_active_voucher="refuse"))
    assert bench.probe.kept == kept
    assert bench.is_tidy()
