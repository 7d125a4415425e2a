"""Each switch shows its effect over real HTTP."""

from datetime import datetime

import pytest
from pydantic import ValidationError

from tests.sandbox.conftest import token_of
from voucher_payment_gateway.sandbox import DOCUMENTED, HOSTILE, LENIENT, Behaviour


@pytest.fixture
def switch(cloud):
    def set_switches(**switches):
        cloud.behaviour = cloud.behaviour.but(**switches)

    return set_switches


@pytest.mark.parametrize(
    ("position", "status", "charges"), [("refuse", 422, 1), ("same", 200, 1), ("book_again", 200, 2)]
)
def test_second_charge(api, cloud, voucher, switch, position, status, charges):
    switch(second_charge=position)
    reserved = api.reserve().json()
    first = api.charge(reserved["id"]).json()
    second = api.charge(reserved["id"])
    assert second.status_code == status
    assert len(cloud.bookings(voucher.id)) == charges
    assert (second.json().get("id") == first["id"]) == (position == "same")
    cloud.ledger.check()


def test_a_second_booking_ends_with_the_balance_and_with_the_reservation(api, cloud, voucher, switch):
    switch(second_charge="book_again")
    reserved = api.reserve(amount="15.00").json()
    api.charge(reserved["id"])
    assert api.charge(reserved["id"]).status_code == 422
    small = api.reserve(amount="1.00").json()
    api.charge(small["id"])
    api.reserve(amount="1.00")
    assert api.charge(small["id"]).status_code == 422
    assert cloud.refusals == ["balance", "closed"]


@pytest.mark.parametrize(("position", "remaining"), [(False, "20.00"), (True, "15.00")])
def test_open_reservation_lowers_balance(api, cloud, voucher, switch, position, remaining):
    switch(open_reservation_lowers_balance=position)
    reserved = api.reserve().json()
    assert api.remaining(voucher.id) == remaining
    api.charge(reserved["id"])
    assert api.remaining(voucher.id) == "15.00"
    api.reserve()
    cloud.clock.advance(1801)
    assert api.remaining(voucher.id) == "15.00"
    assert str(cloud.balance(voucher.id)) == "15.00"


@pytest.mark.parametrize(("position", "status"), [("balance", 200), ("balance_minus_hold", 422)])
def test_reserve_checks(api, voucher, switch, position, status):
    switch(reserve_checks=position)
    api.reserve(amount="15.00")
    assert api.reserve(amount="5.01").status_code == status


@pytest.mark.parametrize(("position", "status"), [(False, 200), (True, 422)])
def test_refused_reserve_kills_hold(api, voucher, switch, position, status):
    switch(refused_reserve_kills_hold=position)
    reserved = api.reserve().json()
    assert api.reserve(amount="20.01").status_code == 422
    assert api.charge(reserved["id"]).status_code == status


@pytest.mark.parametrize(
    ("position", "numbers"),
    [("exact", ["1001"]), ("prefix", ["1001", "10010"]), ("ignored", ["1001", "10010", "7"])],
)
def test_order_number_filter(api, voucher, switch, position, numbers):
    switch(order_number_filter=position)
    for number in ("1001", "10010", "7"):
        api.reserve_and_charge(amount="1.00", order_number=number)
    listed = api.get(f"/vouchers/{voucher.id}/charges", params={"filter[order_number]": "1001"}).json()
    assert [row["order_number"] for row in listed["data"]] == numbers


def test_list_lag_seconds(api, cloud, voucher, switch):
    switch(list_lag_seconds=55)
    charge = api.reserve_and_charge()
    path = f"/vouchers/{voucher.id}/charges"
    cloud.clock.advance(54)
    assert api.get(path).json()["data"] == []
    assert api.get(f"{path}/{charge['id']}").status_code == 200
    cloud.clock.advance(1)
    assert api.get(path).json()["data"] == [charge]


@pytest.mark.parametrize(("position", "status"), [("up_to", 200), ("less_than", 422)])
def test_refund_limit(api, voucher, switch, position, status):
    switch(refund_limit=position)
    charge = api.reserve_and_charge()
    assert api.refund(charge["id"], "5.00").status_code == status


@pytest.mark.parametrize(("position", "status"), [(True, 422), (False, 200)])
def test_refund_limit_shrinks(api, cloud, voucher, switch, position, status):
    switch(refund_limit_shrinks=position)
    charge = api.reserve_and_charge()
    api.refund(charge["id"], "4.00")
    assert api.refund(charge["id"], "4.00").status_code == status
    cloud.ledger.check()


@pytest.mark.parametrize(("position", "number"), [(True, "ORDER-1"), (False, None)])
def test_refund_carries_order_number(api, voucher, switch, position, number):
    switch(refund_carries_order_number=position)
    charge = api.reserve_and_charge()
    assert api.refund(charge["id"]).json()["order_number"] == number


@pytest.mark.parametrize(("position", "status"), [("accept", 200), ("refuse", 422)])
def test_refund_to_unusable_voucher(api, cloud, voucher, switch, position, status):
    switch(refund_to_unusable_voucher=position)
    charge = api.reserve_and_charge()
    cloud.set_status(voucher.id, "inactive")
    assert api.refund(charge["id"]).status_code == status


@pytest.mark.parametrize(("position", "status"), [("accept", 200), ("refuse", 422)])
def test_refund_by_other_client(api, cloud, connect, voucher, switch, position, status):
    switch(refund_by_other_client=position)
    charge = api.reserve_and_charge()
    till = cloud.add_client()
    refund = connect(till.id, till.secret).refund(charge["id"])
    assert refund.status_code == status


@pytest.mark.parametrize(("position", "status"), [("accept", 200), ("refuse", 422)])
def test_recharge_of_unusable_voucher(api, cloud, switch, position, status):
    switch(recharge_of_unusable_voucher=position)
    voucher = cloud.add_voucher(status="inactive")
    body = {"id": voucher.id, "amount": "1.00", "currency": "EUR", "order_number": "R"}
    assert api.post("/vouchers/recharge", json=body).status_code == status


@pytest.mark.parametrize(("position", "status"), [("absent", 404), ("not_allowed", 405), ("works", 204)])
def test_cancel_reservation(api, cloud, voucher, switch, position, status):
    switch(cancel_reservation=position)
    reserved = api.reserve().json()
    assert api.delete(f"/reservations/{reserved['id']}").status_code == status
    assert api.charge(reserved["id"]).status_code == (422 if position == "works" else 200)


def test_a_reservation_is_cancelled_once_and_never_after_its_charge(api, cloud, voucher, switch):
    switch(cancel_reservation="works")
    charged, cancelled = api.reserve().json(), None
    api.charge(charged["id"])
    cancelled = api.reserve().json()
    api.delete(f"/reservations/{cancelled['id']}")
    for reserved in (charged, cancelled):
        assert api.delete(f"/reservations/{reserved['id']}").status_code == 422
    assert api.delete("/reservations/none").status_code == 404
    assert str(cloud.balance(voucher.id)) == "15.00"


@pytest.mark.parametrize(
    ("position", "names"), [("id", {"id"}), ("custom_id", {"custom_id"}), ("both", {"id", "custom_id"})]
)
def test_create_id_field(api, switch, position, names):
    switch(create_id_field=position)
    for name in ("id", "custom_id"):
        body = {name: f"MY-{name}", "amount": "1.00", "currency": "EUR"}
        created = api.post("/vouchers", json=body).json()
        assert (created["id"] == f"MY-{name}") == (name in names)


@pytest.mark.parametrize(
    ("position", "names"),
    [
        ("reference", {"id", "secret"}),
        ("guide", {"client_id", "client_secret"}),
        ("both", {"id", "secret", "client_id", "client_secret"}),
    ],
)
def test_connect_fields(api, cloud, switch, position, names):
    switch(connect_fields=position)
    answer = api.post("/clients/connect", json={"pin": cloud.issue_pin()}).json()
    assert {"id", "secret", "client_id", "client_secret"} & set(answer) == names


@pytest.mark.parametrize(("position", "status"), [(False, 200), (True, 401)])
def test_connect_rotates_secret(api, cloud, server, switch, position, status):
    switch(connect_rotates_secret=position)
    client = cloud.add_client()
    api.post("/clients/connect", json={"pin": cloud.issue_pin(client.id)})
    assert token_of(server.url, client.id, client.secret).status_code == status
    api.post("/clients/connect", json={"pin": cloud.issue_pin()})
    assert token_of(server.url).status_code == 200


@pytest.mark.parametrize("position", [200, 201])
def test_post_status(api, voucher, switch, position):
    switch(post_status=position)
    reserved = api.reserve()
    charged = api.charge(reserved.json()["id"])
    refunded = api.refund(charged.json()["id"])
    assert {reserved.status_code, charged.status_code, refunded.status_code} == {position}


@pytest.mark.parametrize(("position", "status"), [(False, 200), (True, 422)])
def test_order_number_unique(api, cloud, voucher, switch, position, status):
    switch(order_number_unique=position)
    charge = api.reserve_and_charge()
    assert api.refund(charge["id"]).status_code == 200
    assert api.charge(api.reserve().json()["id"]).status_code == status
    cloud.add_voucher(code="OTHER")
    assert api.charge(api.reserve("OTHER").json()["id"]).status_code == 200


@pytest.mark.parametrize(("position", "status"), [(False, 422), (True, 200)])
def test_accepts_zero(api, voucher, switch, position, status):
    switch(accepts_zero=position)
    assert api.reserve(amount="0.00").status_code == status


def test_error_codes(api, voucher, switch):
    vague = {api.reserve(amount="20.01").json()["code"] for _ in range(9)}
    assert vague == {"RESERVATION.REFUSED"}
    switch(error_codes="opaque")
    varied = {api.reserve(amount="20.01").json()["code"] for _ in range(9)}
    assert len(varied) > 3
    assert api.reserve("NOBODYS").json()["code"] != "VOUCHER.NOT_FOUND"
    assert api.get("/vouchers/none").json()["code"] == "VOUCHER.NOT_FOUND"


@pytest.mark.parametrize("codes", ["documented", "opaque"])
def test_code_names(api, voucher, switch, codes):
    switch(code_names={"balance": "SHOP.LEARNED.THIS"}, error_codes=codes)
    assert api.reserve(amount="20.01").json()["code"] == "SHOP.LEARNED.THIS"
    assert api.reserve(currency="USD").json()["code"] != "SHOP.LEARNED.THIS"


@pytest.mark.parametrize("position", [400, 403, 404, 409, 422])
def test_refusal_status(api, voucher, switch, position):
    switch(refusal_status=position)
    answer = api.reserve(amount="20.01")
    assert (answer.status_code, answer.json()["status"]) == (position, position)


@pytest.mark.parametrize(("position", "status"), [(False, 422), (True, 404)])
def test_forgets_closed_reservations(api, voucher, switch, position, status):
    switch(forgets_closed_reservations=position)
    reserved = api.reserve().json()
    api.reserve()
    assert api.charge(reserved["id"]).status_code == status


@pytest.mark.parametrize(("position", "status"), [(True, 404), (False, 200)])
def test_code_case_sensitive(api, voucher, switch, position, status):
    switch(code_case_sensitive=position)
    assert api.reserve("gift-20").status_code == status
    body = {"code": "gift-20", "amount": "1.00", "currency": "EUR"}
    assert api.post("/vouchers", json=body).status_code == (200 if position else 422)


@pytest.mark.parametrize(("position", "status"), [(0, 200), (3, 422)])
def test_wrong_pins_until_locked(api, cloud, switch, position, status):
    switch(wrong_pins_until_locked=position)
    cloud.add_voucher(code="PINNED", pin="4711")
    for _ in range(3):
        assert api.reserve("PINNED", pin="0000").status_code == 422
    assert api.reserve("PINNED", pin="4711").status_code == status


@pytest.mark.parametrize(
    ("position", "deletable", "status", "refusals"),
    [("refuse", False, 422, ["active"]), ("accept", True, 204, [])],
)
def test_delete_of_active_voucher(api, cloud, voucher, switch, position, deletable, status, refusals):
    switch(delete_of_active_voucher=position)
    assert api.get(f"/vouchers/{voucher.id}").json()["deletable"] is deletable
    assert api.take_away(voucher.id).status_code == status
    assert cloud.refusals == refusals
    cloud.ledger.check()


@pytest.mark.parametrize(("position", "status"), [("refuse", 422), ("accept", 200)])
def test_charge_of_inactive_voucher(api, cloud, voucher, switch, position, status):
    switch(charge_of_inactive_voucher=position)
    hold = api.reserve(voucher.code).json()["id"]
    api.status(voucher.id, "inactive")
    assert api.charge(hold).status_code == status
    assert api.reserve(voucher.code).status_code == 422
    cloud.ledger.check()


@pytest.mark.parametrize(("position", "status"), [("accept", 200), ("refuse", 422)])
def test_repeated_status(api, voucher, switch, position, status):
    switch(repeated_status=position)
    assert api.status(voucher.id, "active").status_code == status


@pytest.mark.parametrize(("position", "until"), [(False, "2026-02-10"), (True, "2026-02-11")])
def test_reactivation_restarts_validity(api, cloud, switch, position, until):
    switch(reactivation_restarts_validity=position)
    voucher = cloud.add_voucher(validity_value=10, validity_interval="days")
    cloud.clock.advance(86400)
    assert api.status(voucher.id, "active").json()["valid_until"].startswith("2026-02-10")
    api.status(voucher.id, "inactive")
    assert api.status(voucher.id, "active").json()["valid_until"].startswith(until)


@pytest.mark.parametrize(("position", "status"), [(False, 200), (True, 422)])
def test_status_comment_required(api, voucher, switch, position, status):
    switch(status_comment_required=position)
    assert api.status(voucher.id, "inactive").status_code == status
    assert api.status(voucher.id, "inactive", comment="lost").status_code == 200


@pytest.mark.parametrize(
    ("position", "numbers"), [("oldest_first", ["1", "2"]), ("newest_first", ["2", "1"])]
)
def test_list_order(api, voucher, switch, position, numbers):
    switch(list_order=position)
    for number in ("1", "2"):
        api.reserve_and_charge(amount="1.00", order_number=number)
    listed = api.get(f"/vouchers/{voucher.id}/charges").json()["data"]
    assert [row["order_number"] for row in listed] == numbers


def test_largest_page(api, cloud, switch):
    switch(largest_page=2)
    for _ in range(3):
        cloud.add_voucher()
    page = api.get("/vouchers", params={"per_page": 50}).json()
    assert (len(page["data"]), page["meta"]["per_page"], page["meta"]["last_page"]) == (2, 2, 2)


def test_clock_offset_seconds(api, cloud, voucher, switch):
    switch(clock_offset_seconds=-7200)
    reserved = api.reserve()
    assert reserved.json()["valid_until"] == "2026-01-31T10:30:00+00:00"
    assert reserved.headers["Date"] == "Sat, 31 Jan 2026 10:00:00 GMT"
    cloud.clock.advance(1799)
    charge = api.charge(reserved.json()["id"]).json()
    assert datetime.fromisoformat(charge["created_at"]).hour == 10
    path = f"/vouchers/{voucher.id}/charges"
    since = {"filter[created_from]": "2026-01-31T12:00:00Z"}
    assert api.get(path, params=since).json()["data"] == []
    since = {"filter[created_from]": charge["created_at"]}
    assert api.get(path, params=since).json()["data"] == [charge]


@pytest.mark.parametrize(("position", "seconds", "charges"), [(0, 1, 0), (5, 5, 1), (5, 6, 0)])
def test_late_charge_after_replace_seconds(api, cloud, voucher, switch, position, seconds, charges):
    switch(late_charge_after_replace_seconds=position)
    reserved = api.reserve().json()
    cloud.faults.next("late:504", path="*/charge")
    assert api.charge(reserved["id"]).status_code == 504
    cloud.clock.advance(1)
    assert api.reserve().status_code == 200
    cloud.clock.advance(seconds)
    assert api.charge(reserved["id"]).status_code == 422, "a new request for the old hold is always too late"
    cloud.faults.land_late()
    assert len(cloud.bookings(voucher.id)) == charges


@pytest.mark.parametrize(("position", "status"), [(0, 422), (240, 200)])
def test_lapse_lag_seconds(api, cloud, voucher, switch, position, status):
    switch(lapse_lag_seconds=position)
    reserved = api.reserve().json()
    cloud.clock.advance(1800 + 239)
    assert api.charge(reserved["id"]).status_code == status


def test_every_switch_has_a_reason_and_a_test():
    tests = {name.removeprefix("test_") for name in globals() if name.startswith("test_")}
    for name, switch in Behaviour.model_fields.items():
        assert switch.description, name
        assert name in tests, name


def test_the_presets_differ_and_documented_is_the_default():
    assert Behaviour() == DOCUMENTED
    assert (DOCUMENTED.refund_limit, DOCUMENTED.delete_of_active_voucher) == ("up_to", "refuse")
    assert len({str(preset) for preset in (DOCUMENTED, LENIENT, HOSTILE)}) == 3


def test_a_drawn_behaviour_belongs_to_its_seed_and_every_position_is_drawn():
    drawn = [Behaviour.random(seed) for seed in range(200)]
    assert drawn[7] == Behaviour.random(7)
    assert {each.second_charge for each in drawn} == {"refuse", "same", "book_again"}
    assert {each.refusal_status for each in drawn} == {400, 403, 404, 409, 422}


def test_a_behaviour_does_not_change_and_knows_no_other_switch_or_position():
    with pytest.raises(ValidationError):
        DOCUMENTED.post_status = 201
    with pytest.raises(ValidationError):
        DOCUMENTED.but(post_status=204)
    with pytest.raises(ValidationError):
        Behaviour(third_charge="refuse")
