"""Every answer and every failure means exactly one error of the tree, with the right word about the money."""

import inspect
import json
from decimal import Decimal

import httpx
import pytest

from tests.api.doubles import CHARGE, CODE, REFUND, RESERVATION, VOUCHER, document
from voucher_payment_gateway import exceptions
from voucher_payment_gateway.exceptions import (
    ContractError,
    CredentialsError,
    OutcomeUnknownError,
    RefusedError,
    ThrottledError,
    UnavailableError,
    VoucherUnusableError,
)

TEN = Decimal("10.00")
ASKS = {
    "read": lambda cloud: cloud.get_voucher("v-1"),
    "charge": lambda cloud: cloud.charge("r-1", "ORDER-1"),
    "refund": lambda cloud: cloud.refund("c-1", TEN, "EUR"),
    "reserve": lambda cloud: cloud.reserve(code=CODE, amount=TEN, currency="EUR"),
}
OURS = {"read": VOUCHER, "charge": CHARGE, "refund": REFUND, "reserve": RESERVATION}
FOREIGN = {
    "read": {**VOUCHER, "id": "v-2"},
    "charge": {**CHARGE, "order_number": "ORDER-2"},
    "refund": {**REFUND, "amount": "10.01"},
    "reserve": {**RESERVATION, "amount": "1.00"},
}
BODIES = ("ours", "foreign", "document", "html", "truncated", "empty", "huge", "nan", "list", "other status")
STATUSES = range(100, 600)
NO_WAITING = {"Retry-After": "86400"}


def content(ask, status, body):
    return {
        "ours": lambda: json.dumps(OURS[ask]),
        "foreign": lambda: json.dumps(FOREIGN[ask]),
        "document": lambda: json.dumps(document(status)),
        "html": lambda: "<html><h1>Sign in to the hotel network</h1></html>",
        "truncated": lambda: json.dumps(OURS[ask])[:-3],
        "empty": lambda: "",
        "huge": lambda: " " * (1024 * 1024 + 1),
        "nan": lambda: json.dumps({**OURS[ask], "x": float("nan")}),
        "list": lambda: json.dumps([OURS[ask]]),
        "other status": lambda: json.dumps(document(status + 1)),
    }[body]().encode()


def expected(ask, status, body):
    """The table of what proves what, said a second time and independently."""
    read = ask == "read"
    unclear = ContractError if read else OutcomeUnknownError
    if body == "huge":
        return unclear
    if 200 <= status < 300:
        return None if body == "ours" else unclear
    spoken = body == "document"
    if status == 401 and (read or spoken):
        return CredentialsError
    if status == 403 and (read or spoken):
        return CredentialsError
    if status == 429 and (read or spoken):
        return ThrottledError
    if status == 503 and (read or spoken):
        return UnavailableError
    if status == 408 or 500 <= status < 600:
        return UnavailableError if read else OutcomeUnknownError
    if 400 <= status < 500 and spoken:
        return VoucherUnusableError if (ask, status) == ("reserve", 404) else RefusedError
    return unclear


@pytest.mark.parametrize("body", BODIES)
@pytest.mark.parametrize("ask", ASKS)
def test_every_status_with_every_body_means_exactly_one_thing(client, ask, body):
    run = client()

    def prepare(i):
        status = STATUSES[i]
        run.script.answer = httpx.Response(status, content=content(ask, status, body), headers=NO_WAITING)

    found = run.errors(ASKS[ask], prepare, len(STATUSES))
    actual = {
        status: type(result) if isinstance(result, Exception) else None
        for status, result in zip(STATUSES, found, strict=True)
    }
    assert actual == {status: expected(ask, status, body) for status in STATUSES}
    for result in found:
        if isinstance(result, OutcomeUnknownError):
            assert result.money_moved == "maybe"
        elif isinstance(result, Exception):
            assert result.money_moved == "no"
            assert result.__cause__ is result.__context__ is None


HTTPX_ERRORS = sorted(
    (
        thing
        for name in httpx.__all__
        if inspect.isclass(thing := getattr(httpx, name)) and issubclass(thing, Exception)
    ),
    key=lambda thing: thing.__name__,
)
NOT_SENT = {"ConnectError", "ConnectTimeout", "PoolTimeout", "LocalProtocolError", "UnsupportedProtocol"}
NOT_SENT |= {"InvalidURL"}


def made(kind):
    """An instance of an error class of httpx, whatever its constructor wants."""
    message = "CANARY"
    request = httpx.Request("POST", "https://example.invalid", headers={"Authorization": "Bearer CANARY"})
    if kind is httpx.HTTPStatusError:
        return kind(message, request=request, response=httpx.Response(500))
    if issubclass(kind, httpx.RequestError):
        return kind(message, request=request)
    if issubclass(kind, httpx.StreamError) and kind is not httpx.StreamError:
        return kind()
    return kind(message)


@pytest.mark.parametrize(
    "kind", [*HTTPX_ERRORS, OSError, RuntimeError, ValueError, RecursionError, TimeoutError]
)
@pytest.mark.parametrize("ask", ASKS)
def test_every_exception_of_the_transport_means_exactly_one_thing(client, ask, kind):
    made_here = made(kind) if kind in HTTPX_ERRORS else kind("CANARY")
    run = client(made_here, deadline_seconds=0.2 if ask == "read" else 15.0)
    with pytest.raises(exceptions.VoucherGatewayError) as caught:
        run(lambda cloud: cloud.authenticate(), ASKS[ask])
    sent = kind.__name__ not in NOT_SENT
    assert type(caught.value) is (OutcomeUnknownError if sent and ask != "read" else UnavailableError)
    assert caught.value.money_moved == ("maybe" if sent and ask != "read" else "no")
    assert caught.value.__cause__ is caught.value.__context__ is None


def test_the_list_of_httpx_errors_is_not_empty_by_accident():
    assert len(HTTPX_ERRORS) > 20


def test_a_401_in_the_words_of_the_api_is_a_clear_no(client):
    run = client(httpx.Response(401, json=document(401)))
    with pytest.raises(CredentialsError) as caught:
        run(ASKS["charge"])
    assert (caught.value.http_status, caught.value.money_moved) == (401, "no")
    assert len(run.script.calls) == 2


ANYBODYS = [
    b"", b"<html>", b"[]", b"{}", b'"message"',
    # Words of the framework or of a proxy's own login, which may stand between us and a charge that was booked.
    b'{"message": "Unauthenticated."}', b'{"error": "invalid_token"}', b'{"status": 401, "message": "Log in"}',
    json.dumps(document(403)).encode(),
]  # fmt: skip


@pytest.mark.parametrize("body", ANYBODYS)
@pytest.mark.parametrize("ask", ["charge", "refund", "reserve"])
def test_a_401_that_anybody_could_have_written_leaves_a_moving_call_unknown_and_unrepeated(client, ask, body):
    run = client(httpx.Response(401, content=body))
    with pytest.raises(OutcomeUnknownError):
        run(ASKS[ask])
    assert len(run.script.calls) == 1


@pytest.mark.parametrize("body", ANYBODYS)
def test_a_401_in_any_words_is_a_clear_no_to_a_read(client, body):
    run = client(httpx.Response(401, content=body))
    with pytest.raises(CredentialsError):
        run(ASKS["read"])
    assert len(run.script.calls) == 2


def test_the_token_is_fetched_anew_after_a_401_that_proved_nothing(client):
    def answer(request):
        return httpx.Response(401) if request.headers["authorization"].endswith("-1") else CHARGE

    run = client(answer)
    found = run.errors(ASKS["charge"], lambda i: None, 2)
    assert (type(found[0]), found[1].id) == (OutcomeUnknownError, "c-1")


@pytest.mark.parametrize("status", [408, 409, 429, 500, 502, 503, 504, 302])
@pytest.mark.parametrize("ask", ["charge", "refund", "reserve"])
def test_a_call_that_may_move_money_is_sent_once(client, ask, status):
    run = client(httpx.Response(status, json=document(status)))
    with pytest.raises(exceptions.VoucherGatewayError):
        run(ASKS[ask])
    assert len(run.script.calls) == 1


def test_a_missing_right_is_named(client):
    with pytest.raises(CredentialsError) as caught:
        client(httpx.Response(403, json=document(403)))(lambda cloud: cloud.get_complete_voucher("v-1"))
    assert caught.value.missing_scope == "read-secrets"


@pytest.mark.parametrize(
    ("meaning", "kind"),
    [
        ("unusable", VoucherUnusableError),
        ("insufficient_balance", exceptions.InsufficientBalanceError),
        ("currency_mismatch", exceptions.CurrencyMismatchError),
        ("reservation_closed", exceptions.ReservationClosedError),
    ],
)
@pytest.mark.parametrize("status", [400, 403, 404, 409, 422])
def test_an_operator_can_say_what_a_code_means(client, meaning, kind, status):
    body = document(status, errors=[{"code": "FIELD.REASON:9"}, "garbage", {}])
    for code in ("SOME.REASON", "FIELD.REASON:9"):
        with pytest.raises(RefusedError) as caught:
            client(httpx.Response(status, json=body), error_meanings={code: meaning})(ASKS["charge"])
        assert type(caught.value) is kind
        assert (caught.value.api_code, caught.value.http_status) == ("SOME.REASON", status)


@pytest.mark.parametrize("code", ["SOME.REASON", "NOT_FOUND", "VOUCHER.CREATE.CODE.MAX:255", "A.B_1.C2"])
def test_what_looks_like_a_code_is_kept(client, code):
    with pytest.raises(RefusedError) as caught:
        client(httpx.Response(409, json={**document(409), "code": code}))(ASKS["charge"])
    assert caught.value.api_code == code


@pytest.mark.parametrize(
    "code",
    [
        "lower case",
        "<b>",
        "A" * 101,
        "",
        "A\nB",
        CODE + " ",
        "GIFT-2000-ABCD",
        "4ZH83T0ACUUC14CW",
        "0815",
        "A.B:x",
        "VOUCHER." + "A" * 100,
        "X53HI0",
    ],
)
def test_what_does_not_look_like_a_code_is_not_kept(client, code):
    with pytest.raises(RefusedError) as caught:
        client(httpx.Response(409, json={**document(409), "code": code}))(ASKS["charge"])
    assert caught.value.api_code == ""


@pytest.mark.parametrize(
    "broken",
    [{"status": "409"}, {"status": 409.0}, {"status": True}, {"code": 7}, {"message": None}, {"code": None}],
)
def test_a_document_with_a_wrong_type_is_not_the_apis_own(client, broken):
    with pytest.raises(OutcomeUnknownError):
        client(httpx.Response(409, json={**document(409), **broken}))(ASKS["charge"])


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("3", 3.0),
        ("3600", 3600.0),
        ("garbage", None),
        ("", None),
        ("-1", None),
        ("9" * 50, None),
        ("1.5", None),
    ],
)
@pytest.mark.parametrize(("status", "kind"), [(429, ThrottledError), (503, UnavailableError)])
def test_a_call_that_is_put_off_says_how_long_to_wait(client, status, kind, header, seconds):
    answer = httpx.Response(status, json=document(status), headers={"Retry-After": header})
    with pytest.raises(kind) as caught:
        client(answer)(ASKS["charge"])
    assert caught.value.retry_after_seconds == seconds


@pytest.mark.parametrize(
    ("header", "low", "high"),
    [
        ("Wed, 21 Oct 2999 07:28:00 GMT", 1e9, 1e12),
        ("Wed, 21 Oct 2015 07:28:00 GMT", 0, 0),
        ("Wed, 21 Oct 2015 07:28:00 -0000", 0, 0),
    ],
)
def test_a_throttled_call_understands_a_date(client, header, low, high):
    answer = httpx.Response(429, json=document(429), headers={"Retry-After": header})
    with pytest.raises(ThrottledError) as caught:
        client(answer)(ASKS["charge"])
    assert low <= caught.value.retry_after_seconds <= high


@pytest.mark.parametrize("status", [404, 405])
def test_a_cancellation_that_the_api_does_not_know_is_refused_in_its_words_alone(client, status):
    def cancel(cloud):
        return cloud.cancel_reservation("r-1")

    with pytest.raises(RefusedError) as caught:
        client(httpx.Response(status, json=document(status)))(cancel)
    assert caught.value.http_status == status
    for anybodys in ({"html": "<html>no route</html>"}, {"json": {"message": "Not Found"}}):
        with pytest.raises(OutcomeUnknownError) as caught:
            client(httpx.Response(status, **anybodys))(cancel)
        assert caught.value.http_status == status


@pytest.mark.parametrize(
    "answer",
    [
        httpx.Response(204),
        httpx.Response(200, json={}),
        httpx.Response(200, json=[]),
        httpx.Response(200, content="null"),
    ],
)
def test_a_cancellation_or_deletion_needs_no_body(client, answer):
    run = client(answer)
    assert run(lambda cloud: cloud.cancel_reservation("r-1")) is None
    assert run(lambda cloud: cloud.delete_voucher("v-1", "lost")) is None


@pytest.mark.parametrize(
    "answer",
    [
        httpx.Response(200, html="<html>Sign in</html>"),
        httpx.Response(200, json={"error": "charged already"}),
        httpx.Response(200, json={"message": "Unauthenticated."}),
        httpx.Response(200, json=document(409)),
        httpx.Response(200, json=False),
        httpx.Response(202),
    ],
)
@pytest.mark.parametrize(
    "ask", [lambda cloud: cloud.cancel_reservation("r-1"), lambda cloud: cloud.delete_voucher("v-1", "lost")]
)
def test_words_and_promises_are_no_confirmation_of_a_cancellation_or_deletion(client, ask, answer):
    with pytest.raises(OutcomeUnknownError):
        client(answer)(ask)


def test_a_key_that_stands_twice_is_no_answer(client):
    twice = json.dumps(CHARGE)[:-1] + ', "amount": "99.00"}'
    with pytest.raises(OutcomeUnknownError):
        client(httpx.Response(200, content=twice))(ASKS["charge"])


def test_json_that_cannot_be_read_is_no_answer(client):
    for body in (b"[" * 100_000, b'{"id": ' + b"9" * 5000 + b"}", b"\xff\xfe"):
        with pytest.raises(OutcomeUnknownError):
            client(httpx.Response(200, content=body))(ASKS["charge"])
