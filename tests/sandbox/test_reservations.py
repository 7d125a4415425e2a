"""Reservations, charges and refunds over real HTTP."""

import pytest


def test_a_reservation_has_the_documented_fields(api, voucher):
    reserved = api.reserve(amount="10.53").json()
    assert reserved | {"id": ""} == {
        "id": "",
        "voucher_id": voucher.id,
        "voucher_taxable": False,
        "voucher_tax_rate": None,
        "client_id": "local-shop",
        "amount": "10.53",
        "valid_until": "2026-01-31T12:30:00+00:00",
        "created_at": "2026-01-31T12:00:00+00:00",
        "updated_at": "2026-01-31T12:00:00+00:00",
    }


@pytest.mark.parametrize(("seconds", "status"), [(1799, 200), (1801, 422)])
def test_a_reservation_lapses_after_thirty_minutes(api, cloud, voucher, seconds, status):
    reserved = api.reserve().json()
    cloud.clock.advance(seconds)
    assert api.charge(reserved["id"]).status_code == status
    cloud.ledger.check()


def test_a_newer_reservation_replaces_the_older_one(api, cloud, voucher):
    older, newer = api.reserve().json(), api.reserve(amount="20.00").json()
    assert api.charge(older["id"]).status_code == 422
    assert api.charge(newer["id"]).status_code == 200
    assert cloud.refusals == ["closed"]
    assert str(cloud.balance(voucher.id)) == "0.00"


def test_another_tills_reservation_replaces_ours(api, cloud, voucher):
    ours = api.reserve().json()
    theirs = cloud.reserve("GIFT-20", "20.00", client_id=cloud.add_client(name="Till").id)
    assert api.charge(ours["id"]).status_code == 422
    assert api.charge(theirs).status_code == 404


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"amount": "20.01"}, "balance"),
        ({"currency": "USD"}, "currency"),
        ({"code": "PINNED"}, "pin"),
        ({"code": "PINNED", "pin": "1"}, "pin"),
        ({"code": "INACTIVE"}, "unusable"),
        ({"code": "FOREIGN"}, "foreign_group"),
    ],
)
def test_a_refused_reservation_does_not_say_why(api, cloud, voucher, fields, reason):
    cloud.add_voucher(code="PINNED", pin="4711")
    cloud.add_voucher(code="INACTIVE", status="inactive")
    cloud.add_voucher(code="FOREIGN", group_id="another group")
    answer = api.reserve(**fields)
    assert answer.json() == {
        "status": 422,
        "code": "RESERVATION.REFUSED",
        "message": "The request was refused.",
    }
    assert cloud.refusals == [reason]


def test_the_whole_balance_and_the_right_pin_are_accepted(api, cloud, voucher):
    cloud.add_voucher(code="PINNED", pin="4711")
    assert api.reserve(amount="20.00").status_code == 200
    assert api.reserve("PINNED", pin="4711").status_code == 200


def test_an_unknown_code_is_not_found(api, cloud):
    answer = api.reserve("NOBODYS")
    assert (answer.status_code, answer.json()["code"]) == (404, "VOUCHER.NOT_FOUND")
    assert cloud.refusals == ["unknown_code"]


@pytest.mark.parametrize(
    "fields",
    [{"amount": "0.00"}, {"amount": 5}, {"amount": "5"}, {"code": ""}, {"code": None}, {"currency": "eur"}],
)
def test_a_malformed_reservation_is_refused_with_field_errors(api, voucher, fields):
    answer = api.reserve(**fields)
    assert answer.status_code == 422
    assert [error["property"] for error in answer.json()["errors"]] == list(fields)


def test_a_charge_needs_an_order_number(api, cloud, voucher):
    reserved = api.reserve().json()
    assert api.post(f"/reservations/{reserved['id']}/charge", json={}).status_code == 422
    assert api.charge(reserved["id"], "").status_code == 422
    assert cloud.bookings(voucher.id) == []


def test_a_charge_books_the_reserved_amount(api, cloud, voucher):
    charged = api.reserve_and_charge(amount="7.77")
    assert charged | {"id": ""} == {
        "id": "",
        "voucher_id": voucher.id,
        "client_id": "local-shop",
        "type": "charge",
        "amount": "7.77",
        "order_number": "ORDER-1",
        "created_at": "2026-01-31T12:00:00+00:00",
        "updated_at": "2026-01-31T12:00:00+00:00",
    }
    assert api.remaining(voucher.id) == "12.23"


def test_a_voucher_deactivated_after_the_reservation_is_not_charged(api, cloud, voucher):
    reserved = api.reserve().json()
    cloud.set_status(voucher.id, "inactive")
    assert api.charge(reserved["id"]).status_code == 422
    assert cloud.refusals == ["unusable"]


def test_a_charge_is_refunded_in_parts_up_to_its_amount(api, cloud, voucher):
    charge = api.reserve_and_charge()
    assert api.refund(charge["id"], "2.00").json()["type"] == "refund"
    assert api.refund(charge["id"], "3.01").status_code == 422
    assert api.refund(charge["id"], "3.00").status_code == 200
    assert api.refund(charge["id"], "0.01").status_code == 422
    assert api.refund(charge["id"], "0.00").status_code == 422
    assert api.remaining(voucher.id) == "20.00"
    assert cloud.refusals == ["limit", "limit"]


def test_a_clerk_refunds_by_hand(api, cloud, voucher):
    charge = api.reserve_and_charge()
    refund = cloud.refund(charge["id"], "1.00", client_id=cloud.add_client(name="Clerk").id)
    assert (refund.type, refund.charge_id, refund.order_number) == ("refund", charge["id"], "ORDER-1")
    assert api.remaining(voucher.id) == "16.00"


def test_only_a_charge_is_refunded_and_only_in_its_currency(api, cloud, voucher):
    charge = api.reserve_and_charge()
    refund = api.refund(charge["id"], "1.00").json()
    assert api.refund(refund["id"], "1.00").status_code == 404
    assert api.refund("none", "1.00").status_code == 404
    assert api.refund(charge["id"], "1.00", "USD").status_code == 422
    assert cloud.refusals == ["unknown_charge", "unknown_charge", "currency"]
