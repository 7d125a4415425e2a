"""Canaries: a code, a PIN, the secret and the token appear nowhere but on the wire."""

import copy
import logging
import pickle
import traceback
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import httpx
import pytest

import voucher_payment_gateway.api
from tests.api.doubles import (
    CHARGE,
    CODE,
    COMPLETE,
    PIN,
    RESERVATION,
    SECRET,
    TOKEN,
    Script,
    Threads,
    document,
    reply,
    serving,
)
from voucher_payment_gateway.api import (
    AsyncVoucherCloud,
    Charge,
    ClientCredentials,
    CompleteVoucher,
    Reservation,
    Token,
    Voucher,
    VoucherCloud,
)
from voucher_payment_gateway.api import _calls as calls
from voucher_payment_gateway.api._steps import Answer, Outgoing
from voucher_payment_gateway.exceptions import InsufficientBalanceError, RefusedError, VoucherGatewayError

CANARIES = (CODE, PIN, SECRET, TOKEN)
TEN = Decimal("10.00")
OURS = str(Path(voucher_payment_gateway.api.__file__).parent)

RESERVED, BOOKED = Reservation.model_validate(RESERVATION), Charge.model_validate(CHARGE)

ASKS = {
    "connect": lambda cloud: cloud.connect(PIN),
    "create": lambda cloud: cloud.create_voucher(amount=TEN, currency="EUR", code=CODE, pin=PIN),
    "recharge": lambda cloud: cloud.recharge_voucher(amount=TEN, currency="EUR", order_number="O", code=CODE),
    "reserve": lambda cloud: cloud.reserve(code=CODE, amount=TEN, currency="EUR", pin=PIN),
    "complete": lambda cloud: cloud.get_complete_voucher("v-1"),
    "charge": lambda cloud: cloud.charge("r-1", "O"),
}


def leaky(status, quoted=str):
    """An API, or a proxy in front of it, that repeats all it knows in its error document."""

    def answer(request):
        sent = [canary for canary in (CODE, PIN) if canary.encode() in request.content]
        body = {
            "status": status,
            "code": quoted(sent[0]) if sent else "SOME.REASON",
            "message": f"{CODE} {PIN} {SECRET} {TOKEN}",
            "errors": [{"code": CODE, "message": PIN, "property": TOKEN}],
        }
        return httpx.Response(status, json=body)

    return answer


ANSWERS = {
    "refused": leaky(422),
    "forbidden": leaky(403),
    "rejected": leaky(401),
    "within": leaky(422, "VOUCHER.CREATE.{}.UNIQUE".format),
    "spelled in another way": leaky(409, lambda secret: "VOUCHER." + secret.replace("-", "_").upper()),
    "page": lambda request: httpx.Response(502, html=f"<html>{CODE} {PIN} {SECRET} {TOKEN}"),
    "echo": lambda request: httpx.Response(200, content=request.content),
    "wrong type": lambda request: httpx.Response(
        200, json={**COMPLETE, "amount": CODE, "status": PIN, "id": 1}
    ),
    "exception": lambda request: httpx.ReadError(f"{CODE} {PIN} {SECRET} {TOKEN}", request=request),
    "bug": lambda request: RuntimeError(f"{CODE} {PIN} {SECRET} {TOKEN}"),
}


def leaks(text):
    """The canaries in a text, in whatever case and spelling."""
    return [canary for canary in CANARIES if bare(canary) in bare(text)]


def bare(text):
    return "".join(filter(str.isalnum, text.lower()))


def text_of(error):
    """All that an error says, to whoever asks: text, notes, chain, pickle, and the frames of this package."""
    parts = [str(error), repr(error), repr(vars(error)), "".join(traceback.format_exception(error))]
    parts.append(pickle.dumps(error).decode("latin-1"))
    seen = error
    while seen is not None:
        for frame, _ in traceback.walk_tb(seen.__traceback__):
            if frame.f_code.co_filename.startswith(OURS):
                parts += [repr(value) for value in frame.f_locals.values()]
        seen = seen.__cause__ or seen.__context__
    return "\n".join(parts)


@pytest.mark.parametrize("answer", ANSWERS)
@pytest.mark.parametrize("ask", ASKS)
def test_no_error_and_no_log_tells_a_secret(client, caplog, ask, answer):
    caplog.set_level(logging.DEBUG)
    for name in ("httpx", "httpcore", "voucher_payment_gateway", "asyncio"):
        caplog.set_level(logging.DEBUG, logger=name)
    run = client(ANSWERS[answer], deadline_seconds=0.5)
    with pytest.raises(VoucherGatewayError) as caught:
        run(ASKS[ask])
    assert leaks(text_of(caught.value)) == []
    assert leaks(caplog.text + repr([record.__dict__ for record in caplog.records])) == []


@pytest.mark.parametrize(
    "ask",
    [
        lambda cloud: cloud.reserve(code=CODE, amount=1.5, currency="EUR", pin=PIN),
        lambda cloud: cloud.reserve(code=CODE, amount=TEN, currency="euros", pin=PIN),
        lambda cloud: cloud.reserve(code=CODE * 99, amount=TEN, currency="EUR", pin=PIN),
        lambda cloud: cloud.create_voucher(amount=TEN, currency="EUR", code=CODE, pin=PIN, batch="x" * 31),
        lambda cloud: cloud.create_voucher(amount=TEN, currency="EUR", code=CODE, pin=PIN, tax_rate=CODE),
        lambda cloud: cloud.recharge_voucher(amount=TEN, currency="EUR", order_number="", code=CODE),
        lambda cloud: cloud.recharge_voucher(
            amount=TEN, currency="EUR", order_number="O", code=CODE, id=CODE
        ),
        lambda cloud: cloud.connect(PIN * 99),
    ],
)
def test_a_refused_argument_tells_no_secret(client, ask):
    with pytest.raises(Exception) as caught:  # noqa: PT011
        client({})(ask)
    assert leaks(text_of(caught.value)) == []


def test_a_refused_constructor_tells_no_secret():
    for bad in (
        {"base_url": "ftp://x"},
        {"client_secret": f"{SECRET}\n{SECRET}"},
        {"base_url": f"https://u:{SECRET}@h"},
    ):
        with pytest.raises(ValueError, match=r"^(base_url|client_secret):") as caught:
            VoucherCloud(**{"client_id": "a", "client_secret": SECRET, **bad})
        assert leaks(text_of(caught.value)) == []


def test_the_logs_of_real_connections_tell_no_secret(client, caplog):
    for name in (None, "httpx", "httpcore", "voucher_payment_gateway", "asyncio"):
        caplog.set_level(logging.DEBUG, logger=name)
    with serving(lambda connection, request: connection.sendall(reply(COMPLETE))) as server:
        made = client(transport=None, base_url=server.base_url)(ASKS["create"])
    assert made.code == CODE
    assert caplog.records
    assert leaks(caplog.text + repr([record.__dict__ for record in caplog.records])) == []


@pytest.mark.parametrize(
    ("secret", "code", "kept"),
    [
        ("abcd", "VOUCHER.ABCD", ""),
        ("7", "VOUCHER.CODE.MAX:7", ""),
        ("7", "VOUCHER.CODE.MAX:255", "VOUCHER.CODE.MAX:255"),
        ("ab cd-ef", "VOUCHER.AB_CDEF_GONE", ""),
        ("---", "VOUCHER.GONE", "VOUCHER.GONE"),
    ],
)
@pytest.mark.parametrize("name", ["code", "pin"])
def test_a_code_of_the_api_is_kept_only_where_it_quotes_nothing_that_was_sent(
    client, name, secret, code, kept
):
    sent = {"code": "another", **{name: secret}}
    answer = httpx.Response(409, json={**document(409), "code": code})
    with pytest.raises(RefusedError) as caught:
        client(answer)(lambda cloud: cloud.reserve(amount=TEN, currency="EUR", **sent))
    assert caught.value.api_code == kept


def test_a_code_of_the_api_that_quotes_the_token_is_not_kept(client):
    token = {"access_token": "canary.token", "expires_in": 3600}
    answer = httpx.Response(409, json={**document(409), "code": "TOKEN.CANARY_TOKEN"})
    with pytest.raises(RefusedError) as caught:
        client(Script(answer, token=token))(ASKS["charge"])
    assert caught.value.api_code == ""


def test_a_meaning_is_known_even_where_its_code_quotes_what_was_sent(client):
    answer = httpx.Response(409, json={**document(409), "code": "VOUCHER.BALANCE"})
    meanings = {"VOUCHER.BALANCE": "insufficient_balance"}
    with pytest.raises(InsufficientBalanceError) as caught:
        client(answer, error_meanings=meanings)(
            lambda cloud: cloud.reserve(code="balance", amount=TEN, currency="EUR")
        )
    assert caught.value.api_code == ""


def test_no_url_holds_a_secret(client):
    run = client(ANSWERS["page"], deadline_seconds=0.5)
    for ask in ASKS.values():
        with pytest.raises(VoucherGatewayError):
            run(ask)
    assert [leaks(str(request.url)) for request in run.script.requests] == [[]] * len(run.script.requests)


@pytest.mark.parametrize("show", [repr, str, "{}".format])
def test_nothing_shows_a_secret(show):
    now = datetime.now(UTC)
    things = [
        CompleteVoucher.model_validate(COMPLETE),
        ClientCredentials(id="c", secret=SECRET),
        Token(TOKEN, now, now),
        VoucherCloud(client_id="a", client_secret=SECRET),
        AsyncVoucherCloud(client_id="a", client_secret=SECRET),
        calls.reserve(code=CODE, amount=TEN, currency="EUR", pin=PIN),
        calls.connect(PIN),
        Outgoing("POST", "https://x", {"Authorization": TOKEN}, SECRET.encode()),
        Answer(200, CODE.encode()),
    ]
    assert [leaks(show(thing)) for thing in things] == [[]] * len(things)
    assert show(things[3]) == "VoucherCloud('https://vouchers.api.jtl-software.com/v1')"
    assert show(things[4]) == "AsyncVoucherCloud('https://vouchers.api.jtl-software.com/v1')"


def test_a_used_client_shows_nothing_in_depth():
    run = Threads(Script(COMPLETE))
    with VoucherCloud(**run.settings) as cloud:
        cloud.get_complete_voucher("v-1")
        assert leaks(repr(vars(cloud))) == []
        assert leaks(repr(cloud._flow)) == []


NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
SECRETIVE = [
    CompleteVoucher.model_validate(COMPLETE),
    ClientCredentials(id="c", secret=SECRET),
    Token(TOKEN, NOON, NOON),
    VoucherCloud(client_id="a", client_secret=SECRET)._flow.settings,
]


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
@pytest.mark.parametrize("secretive", SECRETIVE, ids=lambda value: type(value).__name__)
def test_what_holds_a_secret_is_refused_by_pickle(secretive, protocol):
    for held in (secretive, [secretive], {"in": (secretive,)}):
        with pytest.raises(TypeError, match=rf"^{type(secretive).__name__} holds a secret") as caught:
            pickle.dumps(held, protocol)
        assert leaks(text_of(caught.value)) == []


@pytest.mark.parametrize("secretive", SECRETIVE[:3], ids=lambda value: type(value).__name__)
def test_what_holds_a_secret_can_be_copied_in_memory(secretive):
    assert copy.copy(secretive) == copy.deepcopy([secretive])[0] == secretive


@pytest.mark.parametrize("plain", [Voucher(id="v", currency="EUR", status="active"), RESERVED, BOOKED])
def test_what_holds_no_secret_is_pickled(plain):
    assert pickle.loads(pickle.dumps(plain)) == copy.deepcopy(plain) == plain


@pytest.mark.parametrize("kind", [VoucherCloud, AsyncVoucherCloud])
def test_a_client_cannot_be_pickled_or_copied(kind):
    cloud = kind(client_id="a", client_secret=SECRET)
    for attempt in (pickle.dumps, copy.copy, copy.deepcopy):
        with pytest.raises(TypeError):
            attempt(cloud)


@pytest.mark.parametrize("status", [400, 401, 403, 404, 409, 422, 429, 500, 503])
def test_an_error_of_the_client_survives_pickle(client, status):
    answer = httpx.Response(status, json=document(status), headers={"Retry-After": "9"})
    with pytest.raises(VoucherGatewayError) as caught:
        client(answer)(ASKS["charge"])
    again = pickle.loads(pickle.dumps(caught.value))
    assert type(again) is type(caught.value)
    assert vars(again) == vars(caught.value)
    assert str(again) == str(caught.value)
