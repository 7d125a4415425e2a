"""Each operation on the wire: what is asked, what is answered, and what is refused before it leaves."""

from datetime import UTC, datetime, timedelta, timezone, tzinfo
from decimal import Decimal

import httpx
import pytest

from tests.api.doubles import (
    CHARGE,
    CODE,
    COMPLETE,
    PIN,
    RECHARGE,
    REFUND,
    RESERVATION,
    VOUCHER,
    Script,
    document,
    page,
)
from voucher_payment_gateway.api import SANDBOX, Charge, CompleteVoucher, Reservation, Voucher, VoucherCloud
from voucher_payment_gateway.exceptions import (
    AmountError,
    ContractError,
    CredentialsError,
    OutcomeUnknownError,
    RefusedError,
    VoucherUnusableError,
)

TEN = Decimal("10.00")
NOON = datetime(2026, 3, 1, 12, 0, 0, 5, tzinfo=timezone(timedelta(hours=1)))
CREDENTIALS = {"client_id": "c-9", "client_secret": "s-9"}

OPERATIONS = [
    (
        lambda c: c.connect("X53HI0"),
        CREDENTIALS,
        ("POST", "/v1/clients/connect", {"pin": "X53HI0"}),
    ),
    (lambda c: c.disconnect(), httpx.Response(204), ("POST", "/v1/clients/disconnect", None)),
    (
        lambda c: c.create_voucher(amount=TEN, currency="EUR"),
        {**COMPLETE, "amount": "10.00"},
        ("POST", "/v1/vouchers", {"amount": "10.00", "currency": "EUR"}),
    ),
    (
        lambda c: c.create_voucher(
            amount=TEN,
            currency="eur",
            id="v-1",
            code=CODE,
            pin=PIN,
            sku="S",
            batch="B",
            validity_value=24,
            validity_interval="months",
            type="digital",
            taxable=True,
            tax_rate=Decimal("19"),
            order_number="O",
            data='{"a": 1}',
        ),
        COMPLETE,
        (
            "POST",
            "/v1/vouchers",
            {
                "amount": "10.00",
                "currency": "EUR",
                "id": "v-1",
                "custom_id": "v-1",
                "code": CODE,
                "pin": PIN,
                "sku": "S",
                "batch": "B",
                "validity_value": 24,
                "validity_interval": "months",
                "type": "digital",
                "taxable": True,
                "tax_rate": "19",
                "order_number": "O",
                "data": '{"a": 1}',
            },
        ),
    ),
    (
        lambda c: c.list_vouchers(created_from=NOON, created_to=NOON, order_number="A&B", per_page=50),
        page([VOUCHER]),
        (
            "GET",
            "/v1/vouchers?filter%5Bcreated_from%5D=2026-03-01T12%3A00%3A00%2B01%3A00"
            "&filter%5Bcreated_to%5D=2026-03-01T12%3A00%3A01%2B01%3A00"
            "&filter%5Border_number%5D=A%26B&per_page=50&page=1",
            None,
        ),
    ),
    (lambda c: c.get_voucher("v-1"), VOUCHER, ("GET", "/v1/vouchers/v-1", None)),
    (
        lambda c: c.get_voucher("a/b c?#%ü"),
        {**VOUCHER, "id": "a/b c?#%ü"},
        ("GET", "/v1/vouchers/a%2Fb%20c%3F%23%25%C3%BC", None),
    ),
    (lambda c: c.get_complete_voucher("v-1"), COMPLETE, ("GET", "/v1/vouchers/v-1/complete", None)),
    (
        lambda c: c.update_voucher("v-1", sku="S"),
        {**VOUCHER, "sku": "S"},
        ("PATCH", "/v1/vouchers/v-1", {"sku": "S"}),
    ),
    (
        lambda c: c.set_voucher_status("v-1", "active", "paid"),
        VOUCHER,
        ("PATCH", "/v1/vouchers/v-1/status", {"status": "active", "comment": "paid"}),
    ),
    (
        lambda c: c.delete_voucher("v-1", "lost"),
        httpx.Response(204),
        ("DELETE", "/v1/vouchers/v-1", {"comment": "lost"}),
    ),
    (
        lambda c: c.recharge_voucher(amount=TEN, currency="EUR", order_number="ORDER-1", code=CODE),
        RECHARGE,
        (
            "POST",
            "/v1/vouchers/recharge",
            {"amount": "10.00", "currency": "EUR", "order_number": "ORDER-1", "code": CODE},
        ),
    ),
    (
        lambda c: c.recharge_voucher(amount=TEN, currency="EUR", order_number="ORDER-1", id="v-1"),
        RECHARGE,
        (
            "POST",
            "/v1/vouchers/recharge",
            {"amount": "10.00", "currency": "EUR", "order_number": "ORDER-1", "id": "v-1"},
        ),
    ),
    (
        lambda c: c.list_voucher_charges("v-1"),
        page([CHARGE, REFUND]),
        ("GET", "/v1/vouchers/v-1/charges?page=1", None),
    ),
    (
        lambda c: c.get_voucher_charge("v-1", "c-1"),
        CHARGE,
        ("GET", "/v1/vouchers/v-1/charges/c-1", None),
    ),
    (
        lambda c: c.reserve(code=CODE, amount=TEN, currency="EUR", pin=PIN),
        RESERVATION,
        ("POST", "/v1/reservations", {"code": CODE, "amount": "10.00", "currency": "EUR", "pin": PIN}),
    ),
    (
        lambda c: c.reserve(code=CODE, amount=TEN, currency="EUR"),
        RESERVATION,
        ("POST", "/v1/reservations", {"code": CODE, "amount": "10.00", "currency": "EUR"}),
    ),
    (
        lambda c: c.charge("r-1", "ORDER-1"),
        httpx.Response(201, json=CHARGE),
        ("POST", "/v1/reservations/r-1/charge", {"order_number": "ORDER-1"}),
    ),
    (
        lambda c: c.refund("c-1", TEN, "EUR"),
        REFUND,
        ("POST", "/v1/charges/c-1/refund", {"amount": "10.00", "currency": "EUR"}),
    ),
    (
        lambda c: c.refund("c-1", amount="10", currency="EUR"),
        REFUND,
        ("POST", "/v1/charges/c-1/refund", {"amount": "10.00", "currency": "EUR"}),
    ),
    (lambda c: c.cancel_reservation("r-1"), httpx.Response(204), ("DELETE", "/v1/reservations/r-1", None)),
]


@pytest.mark.parametrize(("ask", "answer", "wire"), OPERATIONS)
def test_an_operation_asks_exactly_what_is_documented(client, ask, answer, wire):
    run = client(answer)
    run(ask)
    (request,) = run.script.calls
    assert (request.method, request.url.raw_path.decode(), run.script.last_body) == wire
    assert request.headers["host"] == "vouchers.api.jtl-software.com"


def test_a_connect_pin_is_exchanged_without_a_token_and_without_credentials():
    script = Script(CREDENTIALS)
    with VoucherCloud.unconnected(base_url=SANDBOX, transport=httpx.MockTransport(script)) as cloud:
        credentials = cloud.connect("X53HI0")
    assert (credentials.id, credentials.secret) == ("c-9", "s-9")
    assert [request.url.host for request in script.requests] == ["vouchers-sbx.api.jtl-software.com"]
    assert "authorization" not in script.last.headers


def test_a_client_without_credentials_can_only_connect():
    script = Script(VOUCHER)
    with (
        VoucherCloud.unconnected(transport=httpx.MockTransport(script)) as cloud,
        pytest.raises(CredentialsError),
    ):
        cloud.get_voucher("v-1")
    assert script.requests == []


def test_a_reservation_is_read_with_all_its_fields(client):
    answer = {
        **RESERVATION,
        "voucher_taxable": True,
        "voucher_tax_rate": "19",
        "client_id": "me",
        "valid_until": "2017-07-21T17:32:28+02:00",
        "new_field": {"from": 1.9},
    }
    held = client(answer)(lambda c: c.reserve(code=CODE, amount=TEN, currency="EUR"))
    assert held == Reservation(
        id="r-1",
        voucher_id="v-1",
        amount=TEN,
        voucher_taxable=True,
        voucher_tax_rate=Decimal("19"),
        client_id="me",
        valid_until=datetime(2017, 7, 21, 15, 32, 28, tzinfo=UTC),
    )


def test_rows_are_charges_and_vouchers(client):
    assert all(type(row) is Charge for row in client(page([CHARGE]))(lambda c: c.list_voucher_charges("v-1")))
    assert all(type(row) is Voucher for row in client(page([VOUCHER]))(lambda c: c.list_vouchers()))
    assert type(client(COMPLETE)(lambda c: c.get_complete_voucher("v-1"))) is CompleteVoucher


@pytest.mark.parametrize(
    ("ask", "answer"),
    [
        (lambda c: c.charge("r-1", "ORDER-1"), {**CHARGE, "type": "refund"}),
        (lambda c: c.charge("r-1", "ORDER-1"), {**CHARGE, "order_number": "ORDER-11"}),
        (lambda c: c.charge("r-1", "ORDER-1"), {**CHARGE, "order_number": ""}),
        (lambda c: c.refund("c-1", TEN, "EUR"), {**REFUND, "type": "charge"}),
        (lambda c: c.refund("c-1", TEN, "EUR"), {**REFUND, "amount": "9.99"}),
        (lambda c: c.reserve(code=CODE, amount=TEN, currency="EUR"), {**RESERVATION, "amount": "10.01"}),
        (
            lambda c: c.recharge_voucher(amount=TEN, currency="EUR", order_number="ORDER-1", id="v"),
            {**RECHARGE, "order_number": "ORDER-2"},
        ),
        (
            lambda c: c.recharge_voucher(amount=TEN, currency="EUR", order_number="ORDER-1", id="v"),
            {**RECHARGE, "type": "refund"},
        ),
        (
            lambda c: c.recharge_voucher(amount=TEN, currency="EUR", order_number="ORDER-1", id="v"),
            {**RECHARGE, "amount": "9.00"},
        ),
        (lambda c: c.create_voucher(amount=TEN, currency="EUR", id="mine"), COMPLETE),
        (lambda c: c.create_voucher(amount=TEN, currency="USD"), COMPLETE),
        (lambda c: c.create_voucher(amount=TEN, currency="EUR"), {**COMPLETE, "amount": "11.00"}),
        (lambda c: c.create_voucher(amount=TEN, currency="EUR", code="other"), COMPLETE),
        (lambda c: c.set_voucher_status("v-1", "inactive", "why"), VOUCHER),
        (lambda c: c.set_voucher_status("v-2", "active", "why"), VOUCHER),
        (lambda c: c.update_voucher("v-1", sku="S"), {**VOUCHER, "sku": "T"}),
        (lambda c: c.update_voucher("v-1", batch="S"), {**VOUCHER, "batch": "T"}),
    ],
)
def test_an_answer_to_something_else_leaves_a_moving_call_unknown(client, ask, answer):
    with pytest.raises(OutcomeUnknownError):
        client(answer)(ask)


@pytest.mark.parametrize("number", [None, "ORDER-1", " ORDER-1 "])
def test_a_charge_may_leave_out_or_trim_the_order_number(client, number):
    assert client({**CHARGE, "order_number": number})(lambda c: c.charge("r-1", "ORDER-1")).id == "c-1"


@pytest.mark.parametrize(
    ("ask", "answer"),
    [
        (lambda c: c.get_voucher("v-9"), VOUCHER),
        (lambda c: c.get_complete_voucher("v-9"), COMPLETE),
        (lambda c: c.get_complete_voucher("v-1"), VOUCHER),
        (lambda c: c.get_voucher_charge("v-1", "c-9"), CHARGE),
    ],
)
def test_an_answer_to_something_else_breaks_the_promise_of_a_read(client, ask, answer):
    with pytest.raises(ContractError):
        client(answer)(ask)


def test_a_created_voucher_may_answer_under_either_name_of_its_id(client):
    both = {**COMPLETE, "id": "internal", "custom_id": "mine"}
    for answer in (both, {**{k: v for k, v in COMPLETE.items() if k != "id"}, "custom_id": "mine"}):
        made = client(answer)(lambda c: c.create_voucher(amount=TEN, currency="EUR", id="mine"))
        assert made.code == CODE


def test_only_an_unknown_code_of_a_reservation_is_an_unusable_voucher(client):
    gone = httpx.Response(404, json=document(404))
    with pytest.raises(VoucherUnusableError):
        client(gone)(lambda c: c.reserve(code=CODE, amount=TEN, currency="EUR"))
    for ask in (lambda c: c.get_voucher("v-1"), lambda c: c.charge("r-1", "O")):
        with pytest.raises(RefusedError) as caught:
            client(gone)(ask)
        assert type(caught.value) is RefusedError
        assert (caught.value.http_status, caught.value.api_code) == (404, "SOME.REASON")


BAD_IDS = ["", ".", "..", "a" * 256, "a\nb", "a\x00", "\ud800", None, 7, b"v-1"]


@pytest.mark.parametrize("bad", BAD_IDS)
@pytest.mark.parametrize(
    ("name", "ask"),
    [
        ("id", lambda c, bad: c.get_voucher(bad)),
        ("id", lambda c, bad: c.get_complete_voucher(bad)),
        ("id", lambda c, bad: c.update_voucher(bad, sku="S")),
        ("id", lambda c, bad: c.set_voucher_status(bad, "active", "x")),
        ("id", lambda c, bad: c.delete_voucher(bad, "x")),
        ("voucher_id", lambda c, bad: c.list_voucher_charges(bad)),
        ("id", lambda c, bad: c.get_voucher_charge(bad, "c-1")),
        ("charge_id", lambda c, bad: c.get_voucher_charge("v-1", bad)),
        ("reservation_id", lambda c, bad: c.charge(bad, "O")),
        ("charge_id", lambda c, bad: c.refund(bad, TEN, "EUR")),
        ("reservation_id", lambda c, bad: c.cancel_reservation(bad)),
    ],
)
def test_an_id_that_cannot_stand_in_a_path_is_never_sent(client, name, ask, bad):
    run = client(VOUCHER)
    with pytest.raises(ValueError, match=f"^{name}:"):
        run(lambda c: ask(c, bad))
    assert run.script.requests == []


MOVING = [
    lambda c, amount: c.reserve(code=CODE, amount=amount, currency="EUR"),
    lambda c, amount: c.refund("c-1", amount, "EUR"),
    lambda c, amount: c.recharge_voucher(amount=amount, currency="EUR", order_number="O", id="v"),
]


@pytest.mark.parametrize("nothing", ["0.00", Decimal("0.00"), 0, Decimal("-0.00")])
def test_only_a_voucher_can_be_created_with_an_amount_of_zero(client, nothing):
    for ask in MOVING:
        run = client(VOUCHER)
        with pytest.raises(AmountError) as caught:
            run(lambda c, ask=ask: ask(c, nothing))
        assert (caught.value.code, run.script.requests) == ("amount_bounds", [])
    run = client({**COMPLETE, "amount": "0.00"})
    assert run(lambda c: c.create_voucher(amount=nothing, currency="EUR")).amount == Decimal("0.00")
    assert run.script.last_body == {"amount": "0.00", "currency": "EUR"}


def test_dots_within_an_id_are_no_climbing(client):
    run = client({**VOUCHER, "id": "../x"})
    run(lambda c: c.get_voucher("../x"))
    assert run.script.last.url.raw_path == b"/v1/vouchers/..%2Fx"


@pytest.mark.parametrize(
    "bad", [1.5, "10,00", "100000.00", "10.001", "NaN", Decimal("NaN"), None, True, -1, "-0.01"]
)
@pytest.mark.parametrize("ask", [*MOVING, lambda c, bad: c.create_voucher(amount=bad, currency="EUR")])
def test_an_amount_that_cannot_be_is_never_sent(client, ask, bad):
    run = client(VOUCHER)
    with pytest.raises(AmountError):
        run(lambda c: ask(c, bad))
    assert run.script.requests == []


@pytest.mark.parametrize(
    ("name", "ask"),
    [
        ("code", lambda c: c.reserve(code="", amount=TEN, currency="EUR")),
        ("code", lambda c: c.reserve(code="x" * 256, amount=TEN, currency="EUR")),
        ("code", lambda c: c.reserve(code=None, amount=TEN, currency="EUR")),
        ("pin", lambda c: c.reserve(code=CODE, amount=TEN, currency="EUR", pin=7)),
        ("order_number", lambda c: c.charge("r-1", "")),
        ("order_number", lambda c: c.charge("r-1", 7)),
        ("pin", lambda c: c.connect("")),
        ("status", lambda c: c.set_voucher_status("v-1", "locked", "x")),
        ("comment", lambda c: c.set_voucher_status("v-1", "active", "")),
        ("comment", lambda c: c.delete_voucher("v-1", "x" * 256)),
        ("sku", lambda c: c.update_voucher("v-1")),
        ("batch", lambda c: c.update_voucher("v-1", batch="x" * 31)),
        ("code", lambda c: c.recharge_voucher(amount=TEN, currency="EUR", order_number="O")),
        (
            "code",
            lambda c: c.recharge_voucher(amount=TEN, currency="EUR", order_number="O", code="a", id="b"),
        ),
        (
            "validity_interval",
            lambda c: c.create_voucher(amount=TEN, currency="EUR", validity_interval="eons"),
        ),
        ("validity_value", lambda c: c.create_voucher(amount=TEN, currency="EUR", validity_value=0)),
        ("tax_rate", lambda c: c.create_voucher(amount=TEN, currency="EUR", tax_rate=19.0)),
        ("tax_rate", lambda c: c.create_voucher(amount=TEN, currency="EUR", tax_rate=Decimal("-1"))),
        ("data", lambda c: c.create_voucher(amount=TEN, currency="EUR", data={"a": 1})),
        ("taxable", lambda c: c.create_voucher(amount=TEN, currency="EUR", taxable="yes")),
        ("created_from", lambda c: c.list_vouchers(created_from=datetime(2026, 1, 1))),  # noqa: DTZ001
        ("created_to", lambda c: c.list_voucher_charges("v-1", created_to="2026-01-01")),
        ("order_number", lambda c: c.list_vouchers(order_number="")),
        ("per_page", lambda c: c.list_vouchers(per_page=0)),
        ("per_page", lambda c: c.list_vouchers(per_page=True)),
    ],
)
def test_what_cannot_be_said_on_the_wire_is_refused_by_its_name(client, name, ask):
    run = client(VOUCHER)
    with pytest.raises(ValueError, match=f"^{name}:"):
        run(ask)
    assert run.script.requests == []


@pytest.mark.parametrize(
    ("name", "ask"),
    [
        ("colour", lambda c: c.create_voucher(amount=TEN, currency="EUR", colour="red")),
        ("amount", lambda c: c.create_voucher(currency="EUR")),
        ("currency", lambda c: c.create_voucher(amount=TEN)),
        ("page", lambda c: c.list_vouchers(page=2)),
        ("page", lambda c: c.list_voucher_charges("v-1", page=2)),
    ],
)
def test_an_unknown_or_a_missing_argument_is_a_type_error_that_names_it(client, name, ask):
    run = client(VOUCHER)
    with pytest.raises(TypeError, match=f"'{name}'$"):
        run(ask)
    assert run.script.requests == []


LAST, FIRST = datetime.max.replace(tzinfo=UTC), datetime.min.replace(tzinfo=UTC)
LOCAL_MEAN_TIME = timezone(timedelta(minutes=53, seconds=28))
LONE = "A\ud800"


class NoOffset(tzinfo):
    """A time zone that does not know its offset."""

    def utcoffset(self, instant):
        return None


@pytest.mark.parametrize(
    ("name", "ask"),
    [
        ("created_to", lambda c: c.list_vouchers(created_to=LAST)),
        ("created_to", lambda c: c.list_voucher_charges("v-1", created_to=LAST)),
        ("created_from", lambda c: c.list_vouchers(created_from=FIRST.replace(tzinfo=LOCAL_MEAN_TIME))),
        ("created_from", lambda c: c.list_vouchers(created_from=FIRST.replace(tzinfo=NoOffset()))),
        ("order_number", lambda c: c.list_vouchers(order_number=LONE)),
        ("order_number", lambda c: c.list_voucher_charges("v-1", order_number=LONE)),
        ("per_page", lambda c: c.list_vouchers(per_page=10**5000)),
        ("code", lambda c: c.reserve(code=LONE, amount=TEN, currency="EUR")),
        ("pin", lambda c: c.reserve(code="x", amount=TEN, currency="EUR", pin=LONE)),
        ("order_number", lambda c: c.charge("r-1", LONE)),
        ("comment", lambda c: c.delete_voucher("v-1", LONE)),
        ("data", lambda c: c.create_voucher(amount=TEN, currency="EUR", data=LONE)),
        ("validity_value", lambda c: c.create_voucher(amount=TEN, currency="EUR", validity_value=10**5000)),
    ],
)
def test_what_no_wire_can_carry_is_refused_by_its_name(client, name, ask):
    run = client(VOUCHER)
    with pytest.raises(ValueError, match=f"^{name}: ") as caught:
        run(ask)
    assert not isinstance(caught.value, UnicodeError)
    assert run.script.requests == []


def test_an_offset_with_seconds_is_said_in_utc(client):
    run = client(page([]))
    run(lambda c: c.list_vouchers(created_from=datetime(1890, 1, 1, tzinfo=LOCAL_MEAN_TIME)))
    assert run.script.last.url.params["filter[created_from]"] == "1889-12-31T23:06:32+00:00"


@pytest.mark.parametrize("voucher_id", ["v-2", ""])
def test_a_booking_on_another_voucher_is_not_the_one_asked_for(client, voucher_id):
    def recharge(c):
        return c.recharge_voucher(amount=TEN, currency="EUR", order_number="ORDER-1", id="v-1")

    with pytest.raises(OutcomeUnknownError):
        client({**RECHARGE, "voucher_id": voucher_id})(recharge)
    with pytest.raises(ContractError):
        client({**CHARGE, "voucher_id": voucher_id})(lambda c: c.get_voucher_charge("v-1", "c-1"))


@pytest.mark.parametrize("voucher_id", ["v-1", None])
def test_a_booking_on_the_voucher_asked_for_may_leave_its_id_out(client, voucher_id):
    def recharge(c):
        return c.recharge_voucher(amount=TEN, currency="EUR", order_number="ORDER-1", id="v-1")

    assert client({**RECHARGE, "voucher_id": voucher_id})(recharge).id == "c-3"
    found = client({**CHARGE, "voucher_id": voucher_id})(lambda c: c.get_voucher_charge("v-1", "c-1"))
    assert found.id == "c-1"


def test_a_recharge_by_code_may_name_any_voucher(client):
    def recharge(c):
        return c.recharge_voucher(amount=TEN, currency="EUR", order_number="ORDER-1", code=CODE)

    assert client({**RECHARGE, "voucher_id": "v-77"})(recharge).id == "c-3"
