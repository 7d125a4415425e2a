"""Vouchers over real HTTP: create, read, list, change, activate, delete, recharge."""

import pytest

from tests.sandbox.conftest import NOON
from voucher_payment_gateway.sandbox import ApiError


def test_a_created_voucher_has_the_documented_fields_with_code_and_pin(api):
    answer = api.post("/vouchers", json={"amount": "10.53", "currency": "EUR"})
    assert answer.status_code == 200
    created = answer.json()
    assert created | {"id": "", "code": ""} == {
        "id": "",
        "code": "",
        "pin": "",
        "client_id": "local-shop",
        "sku": "",
        "batch": "",
        "amount": "10.53",
        "currency": "EUR",
        "valid_until": None,
        "validity_value": 36,
        "validity_interval": "months",
        "status": "inactive",
        "type": "digital",
        "taxable": False,
        "tax_rate": None,
        "order_number": "",
        "data": "",
        "created_at": "2026-01-31T12:00:00+00:00",
        "updated_at": "2026-01-31T12:00:00+00:00",
    }
    assert len(created["code"]) == 16


def test_everything_that_was_sent_is_kept(api):
    sent = {
        "id": "serial/17 ä",
        "code": "MY-CODE",
        "pin": "4711",
        "sku": "AJHS8675FG",
        "batch": "Winter Campaign",
        "amount": "30.00",
        "currency": "CHF",
        "validity_value": 2,
        "validity_interval": "weeks",
        "type": "print",
        "taxable": True,
        "tax_rate": "19",
        "order_number": "Order 66",
        "data": '{"foo": "bar"}',
    }
    api.post("/vouchers", json=sent)
    complete = api.get("/vouchers/serial%2F17%20%C3%A4/complete").json()
    assert {name: complete[name] for name in sent} == sent


def test_code_and_pin_stand_in_the_answer_of_create_and_in_the_complete_voucher_alone(api, cloud):
    created = api.post("/vouchers", json={"amount": "1.00", "currency": "EUR", "code": "MINE", "pin": "0815"})
    assert (created.json()["code"], created.json()["pin"]) == ("MINE", "0815")
    voucher = cloud.add_voucher(code="GIFT-20", pin="4711")
    assert {"code", "pin"}.isdisjoint(api.status(voucher.id, "active").json())
    assert {"code", "pin"}.isdisjoint(api.get(f"/vouchers/{voucher.id}").json())
    assert {"code", "pin"}.isdisjoint(api.get("/vouchers").json()["data"][0])
    complete = api.get(f"/vouchers/{voucher.id}/complete").json()
    assert (complete["code"], complete["pin"]) == ("GIFT-20", "4711")
    assert "remaining_amount" not in complete


def test_a_taken_id_or_code_is_answered_with_the_documented_codes(api):
    body = {"id": "A", "code": "C", "amount": "1.00", "currency": "EUR"}
    api.post("/vouchers", json=body)
    answer = api.post("/vouchers", json=body)
    assert answer.status_code == 422
    assert answer.json() == {
        "status": 422,
        "code": "VOUCHER.CREATE.UNPROCESSABLE_ENTITY",
        "message": "The given data was invalid.",
        "errors": [
            {
                "code": "VOUCHER.CREATE.CUSTOM_ID.UNIQUE",
                "property": "custom_id",
                "rule": "unique",
                "message": "The custom_id has already been taken.",
            },
            {
                "code": "VOUCHER.CREATE.CODE.UNIQUE",
                "property": "code",
                "rule": "unique",
                "message": "The code has already been taken.",
            },
        ],
    }


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"id": 1}, "VOUCHER.CREATE.CUSTOM_ID.STRING"),
        ({"id": "x" * 256}, "VOUCHER.CREATE.CUSTOM_ID.MAX:255"),
        ({"code": 1}, "VOUCHER.CREATE.CODE.STRING"),
        ({"code": "x" * 256}, "VOUCHER.CREATE.CODE.MAX:255"),
        ({"sku": []}, "VOUCHER.CREATE.SKU.STRING"),
        ({"sku": "x" * 256}, "VOUCHER.CREATE.SKU.MAX:255"),
        ({"pin": {}}, "VOUCHER.CREATE.PIN.STRING"),
        ({"pin": "x" * 256}, "VOUCHER.CREATE.PIN.MAX:255"),
        ({"batch": True}, "VOUCHER.CREATE.BATCH.STRING"),
        ({"batch": "x" * 31}, "VOUCHER.CREATE.BATCH.MAX:30"),
        ({"amount": None}, "VOUCHER.CREATE.AMOUNT.REQUIRED"),
        ({"amount": ""}, "VOUCHER.CREATE.AMOUNT.REQUIRED"),
        ({"amount": 10.5}, "VOUCHER.CREATE.AMOUNT.STRING"),
        ({"amount": "ten"}, "VOUCHER.CREATE.AMOUNT.NUMERIC"),
        ({"amount": "12,50"}, "VOUCHER.CREATE.AMOUNT.NUMERIC"),
        ({"amount": "-1.00"}, "VOUCHER.CREATE.AMOUNT.MIN:0"),
        ({"currency": "EUX"}, "VOUCHER.CREATE.CURRENCY.VALID_CURRENCY"),
        ({"currency": None}, "VOUCHER.CREATE.CURRENCY.VALID_CURRENCY"),
    ],
)
def test_every_documented_validation_code_is_answered(api, fields, code):
    answer = api.post("/vouchers", json={"amount": "1.00", "currency": "EUR", **fields})
    assert answer.status_code == 422
    assert [error["code"] for error in answer.json()["errors"]] == [code]


@pytest.mark.parametrize("amount", ["10", "10.5", "10.500", "1e2", "+1.00", "1234567.00"])
def test_an_amount_that_is_not_in_the_documented_form_is_refused(api, amount):
    answer = api.post("/vouchers", json={"amount": amount, "currency": "EUR"})
    assert answer.status_code == 422
    assert [error["property"] for error in answer.json()["errors"]] == ["amount"]


def test_a_voucher_of_0_00_is_created_and_recharged_later(api, cloud):
    card = api.post("/vouchers", json={"amount": "0.00", "currency": "EUR"}).json()
    assert card["amount"] == api.remaining(card["id"]) == "0.00"
    body = {"id": card["id"], "amount": "10.00", "currency": "EUR", "order_number": "R-1"}
    assert api.post("/vouchers/recharge", json=body).status_code == 200
    assert api.remaining(card["id"]) == "10.00"
    cloud.ledger.check()


@pytest.mark.parametrize(
    ("value", "interval", "until"),
    [
        (10, "days", "2026-02-10T12:00:00+00:00"),
        (2, "weeks", "2026-02-14T12:00:00+00:00"),
        (1, "months", "2026-02-28T12:00:00+00:00"),
        (24, "months", "2028-01-31T12:00:00+00:00"),
        (3, "years", "2029-01-31T12:00:00+00:00"),
    ],
)
def test_activation_computes_how_long_a_voucher_is_valid(api, value, interval, until):
    body = {"amount": "1.00", "currency": "EUR", "validity_value": value, "validity_interval": interval}
    voucher_id = api.post("/vouchers", json=body).json()["id"]
    assert api.status(voucher_id, "active").json()["valid_until"] == until
    assert api.status(voucher_id, "inactive").json()["valid_until"] is None
    assert api.status(voucher_id, "active").json()["valid_until"] == until


@pytest.mark.parametrize(
    "fields",
    [
        {"validity_value": 0},
        {"validity_value": "2"},
        {"validity_value": True},
        {"validity_value": 7001},
        {"validity_interval": "hours"},
        {"validity_interval": 5},
        {"taxable": "yes"},
        {"tax_rate": 19},
        {"data": {"foo": "bar"}},
    ],
)
def test_a_field_of_the_wrong_kind_is_named(api, fields):
    answer = api.post("/vouchers", json={"amount": "1.00", "currency": "EUR", **fields})
    assert answer.status_code == 422
    assert [error["property"] for error in answer.json()["errors"]] == list(fields)


def test_a_validity_beyond_the_calendar_is_refused(cloud):
    far = {"validity_value": 7000, "validity_interval": "years"}
    early = cloud.add_voucher(status="inactive", **far)
    cloud.clock.set(NOON.replace(year=4000))
    with pytest.raises(ApiError, match="UNPROCESSABLE"):
        cloud.add_voucher(**far)
    with pytest.raises(ApiError, match="REFUSED"):
        cloud.set_status(early.id, "active")
    cloud.clock.set(NOON.replace(year=9990))
    with pytest.raises(ApiError, match="UNPROCESSABLE"):
        cloud.add_voucher(validity_value=7000, validity_interval="days")


def test_a_status_is_required(api, voucher):
    assert api.patch(f"/vouchers/{voucher.id}/status", json={}).status_code == 422


def test_an_unknown_status_and_a_long_comment_are_refused(api, voucher):
    assert api.status(voucher.id, "locked").status_code == 422
    assert api.status(voucher.id, "inactive", comment="x" * 256).status_code == 422
    assert api.status(voucher.id, "inactive", comment="lost").status_code == 200


def test_only_an_inactive_voucher_is_changed_and_only_in_sku_and_batch(api, cloud):
    voucher = cloud.add_voucher(status="inactive")
    changed = api.patch(f"/vouchers/{voucher.id}", json={"sku": "S", "batch": "B", "amount": "99.00"}).json()
    assert (changed["sku"], changed["batch"], changed["amount"]) == ("S", "B", "20.00")
    changed = api.patch(f"/vouchers/{voucher.id}", json={"batch": ""}).json()
    assert (changed["sku"], changed["batch"]) == ("S", "")
    api.status(voucher.id, "active")
    assert api.patch(f"/vouchers/{voucher.id}", json={"sku": "T"}).status_code == 422
    assert cloud.refusals == ["not_inactive"]


def test_a_voucher_is_deleted_with_a_comment_and_only_without_charges(api, cloud, voucher):
    spare = cloud.add_voucher(code="SPARE")
    api.reserve_and_charge()
    assert api.get(f"/vouchers/{voucher.id}").json()["deletable"] is False
    assert api.take_away(voucher.id).status_code == 422
    cloud.set_status(voucher.id, "inactive")
    assert api.get(f"/vouchers/{voucher.id}").json()["deletable"] is False
    assert api.take_away(voucher.id).status_code == 422
    cloud.set_status(spare.id, "inactive")
    assert api.request("DELETE", f"/vouchers/{spare.id}", json={}).status_code == 422
    assert api.get(f"/vouchers/{spare.id}").json()["deletable"] is True
    gone = api.take_away(spare.id)
    assert (gone.status_code, gone.content) == (204, b"")
    assert cloud.refusals == ["has_charges", "has_charges"]
    missing = api.get(f"/vouchers/{spare.id}")
    assert missing.json() == {
        "status": 404,
        "code": "VOUCHER.NOT_FOUND",
        "message": "The requested Voucher was not found.",
    }
    assert api.reserve("SPARE").status_code == 404
    cloud.ledger.check()


def test_lists_come_in_pages_of_the_documented_envelope(api, cloud, server):
    ids = [cloud.add_voucher().id for _ in range(5)]
    page = api.get("/vouchers", params={"per_page": 2, "page": 2}).json()
    path = f"{server.base_url}/vouchers"
    assert [row["id"] for row in page["data"]] == ids[2:4]
    assert page["links"] == {
        "first": f"{path}?page=1",
        "last": f"{path}?page=3",
        "prev": f"{path}?page=1",
        "next": f"{path}?page=3",
    }
    assert page["meta"] == {
        "current_page": 2,
        "per_page": 2,
        "from": 3,
        "to": 4,
        "last_page": 3,
        "total": 5,
        "path": path,
    }
    beyond = api.get("/vouchers", params={"page": 9}).json()
    assert (beyond["data"], beyond["meta"]["from"], beyond["links"]["next"]) == ([], None, None)
    assert api.get("/vouchers").json()["meta"]["per_page"] == 25


@pytest.mark.parametrize(
    "query",
    [
        "page=0",
        "filter[created_to]=2026-02-30T12:00:00Z",
        "page=x",
        "per_page=0",
        "per_page=-1",
        "filter[created_from]=yesterday",
    ],
)
def test_a_bad_query_is_refused(api, query):
    assert api.get(f"/vouchers?{query}").status_code == 422


def test_lists_are_filtered_by_time_and_order_number(api, cloud):
    cloud.add_voucher(order_number="A")
    cloud.clock.advance(3600)
    later = cloud.add_voucher(order_number="B")
    since = {"filter[created_from]": "2026-01-31T14:00:00+01:00"}
    assert [row["id"] for row in api.get("/vouchers", params=since).json()["data"]] == [later.id]
    until = {"filter[created_to]": "2026-01-31T12:59:59Z"}
    assert [row["order_number"] for row in api.get("/vouchers", params=until).json()["data"]] == ["A"]
    named = {"filter[order_number]": "B"}
    assert [row["id"] for row in api.get("/vouchers", params=named).json()["data"]] == [later.id]
    # A "+" in a query means a space, so the filter is not a date.
    assert api.get("/vouchers?filter[created_from]=2026-01-31T12:00:00+00:00").status_code == 422


def test_a_recharge_names_its_voucher_by_code_or_by_id(api, cloud, voucher):
    body = {"amount": "10.00", "currency": "EUR", "order_number": "R-1"}
    by_code = api.post("/vouchers/recharge", json={**body, "code": "GIFT-20"}).json()
    by_id = api.post("/vouchers/recharge", json={**body, "id": voucher.id}).json()
    assert by_code["type"] == by_id["type"] == "recharge"
    assert api.remaining(voucher.id) == "40.00"
    assert api.post("/vouchers/recharge", json=body).status_code == 422
    other = {**body, "code": "GIFT-20", "id": cloud.add_voucher().id}
    assert api.post("/vouchers/recharge", json=other).status_code == 422
    assert api.post("/vouchers/recharge", json={**body, "id": "none"}).status_code == 404
    assert api.post("/vouchers/recharge", json={**body, "code": "NOBODYS"}).status_code == 404
    assert (
        api.post("/vouchers/recharge", json={**body, "id": voucher.id, "currency": "USD"}).status_code == 422
    )
    cloud.ledger.check()


def test_no_balance_outgrows_what_an_amount_can_say(api, cloud, voucher):
    body = {"amount": "999999.99", "currency": "EUR", "order_number": "R-1", "id": voucher.id}
    assert api.post("/vouchers/recharge", json=body).status_code == 422
    assert cloud.refusals == ["balance_too_large"]


def test_bookings_are_listed_and_read(api, voucher):
    charge = api.reserve_and_charge()
    api.refund(charge["id"], "1.00")
    listed = api.get(f"/vouchers/{voucher.id}/charges").json()
    assert [(row["type"], row["amount"], row["order_number"]) for row in listed["data"]] == [
        ("charge", "5.00", "ORDER-1"),
        ("refund", "1.00", "ORDER-1"),
    ]
    assert api.get(f"/vouchers/{voucher.id}/charges/{charge['id']}").json() == charge
    assert api.get(f"/vouchers/{voucher.id}/charges/none").status_code == 404
    assert api.get("/vouchers/none/charges").status_code == 404
    assert api.get(f"/vouchers/none/charges/{charge['id']}").status_code == 404


def test_a_voucher_is_valid_until_the_last_moment_and_not_beyond(api, cloud):
    cloud.add_voucher(code="SHORT", validity_value=1, validity_interval="days")
    cloud.clock.advance(86399)
    assert api.reserve("SHORT").status_code == 200
    cloud.clock.advance(1)
    assert api.reserve("SHORT").status_code == 422
    assert cloud.refusals == ["unusable"]
    assert cloud.clock.now() > NOON
