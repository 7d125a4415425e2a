"""What the doctor tells of the Voucher Cloud's side: address, clocks, credentials, and each right."""

import json
import re
import socket
from dataclasses import asdict
from itertools import cycle

import pytest
from django.core.management import CommandError, call_command

from tests.api.doubles import reply, serving
from voucher_payment_gateway.sandbox import SCOPES, Behaviour
from voucher_payment_gateway.sandbox.behaviour import PRESETS

PAYMENTS_NEED = {"read", "read-lists", "use"}


def restrict(voucher_cloud, gateway_settings, *missing):
    client = voucher_cloud.add_client([scope for scope in SCOPES if scope not in missing])
    gateway_settings(CLIENT_ID=client.id, CLIENT_SECRET=client.secret)


# address, clocks and credentials


def test_an_address_where_nobody_listens_is_told_and_nothing_is_concluded(found, server):
    server.stop()
    reports = found()
    assert reports["address"][0] == "trouble"
    assert "refuses connections" in reports["address"][1]
    assert reports["credentials"][0] == "not known"
    assert not any(check.startswith("right") for check in reports)


def test_a_certificate_that_is_not_trusted_is_told(found, gateway_settings, untrusted_server):
    gateway_settings(BASE_URL=untrusted_server)
    state, text = found()["address"]
    assert (state, "certificate that is not trusted" in text) == ("trouble", True)


def test_a_server_that_speaks_no_tls_is_told(found, gateway_settings, server):
    gateway_settings(BASE_URL=server.base_url.replace("http:", "https:"))
    state, text = found()["address"]
    assert (state, "TLS" in text) == ("trouble", True)


@pytest.mark.parametrize(
    ("error", "sentence"),
    [
        ("gaierror", "host name that cannot be resolved"),
        ("timeout", "in time"),
        ("error", "gives no HTTP answer"),
    ],
)
def test_what_stands_in_the_way_is_told(found, monkeypatch, error, sentence):
    def fail(*_, **__):
        raise getattr(socket, error)

    monkeypatch.setattr("http.client.HTTPConnection.request", fail)
    assert sentence in found()["address"][1]


def test_the_first_question_carries_no_secret(found, voucher_cloud):
    found()
    first = voucher_cloud.requests[0]
    assert (first.method, first.path) == ("HEAD", "/v1")


@pytest.mark.parametrize(("seconds", "word"), [(7200, "ahead of"), (-7200, "behind")])
def test_clocks_that_differ_are_a_warning(found, voucher_cloud, seconds, word):
    voucher_cloud.behaviour = voucher_cloud.behaviour.but(clock_offset_seconds=seconds)
    state, text = found()["clocks"]
    assert state == "warning"
    sentence = re.match(rf"the server's is (\d+) s {word} ours", text)
    assert abs(int(sentence[1]) - abs(seconds)) <= 2


def test_a_server_without_a_clock_leaves_it_open(found, monkeypatch):
    monkeypatch.setattr("http.client.HTTPResponse.getheader", lambda self, name, default=None: default)
    assert found()["clocks"][0] == "not known"


def test_wrong_credentials_are_told(found, gateway_settings):
    gateway_settings(CLIENT_SECRET="wrong")
    state, text = found()["credentials"]
    assert state == "trouble"
    assert text.startswith("rejected (401)")


def test_a_secret_that_cannot_be_fetched_is_told(found, gateway_settings):
    gateway_settings(CLIENT_SECRET=lambda: 1 / 0)
    assert found()["credentials"] == ("trouble", "the callable CLIENT_SECRET fails")


def test_credentials_that_cannot_be_sent_are_told(found, gateway_settings):
    gateway_settings(CLIENT_ID="two\nlines")
    assert found()["settings"] == (
        "trouble",
        "E004: VOUCHER_PAYMENT_GATEWAY: CLIENT_ID: must be one line of printable characters",
    )
    assert "credentials" not in found()


@pytest.mark.parametrize(
    ("fault", "sentence"), [("before:503", "no token was granted"), ("before:redirect", "unexpected answer")]
)
def test_a_token_address_in_trouble_is_told(found, voucher_cloud, fault, sentence):
    voucher_cloud.faults.next(fault, path="/oauth/token", times=None)
    state, text = found()["credentials"]
    assert (state, sentence in text) == ("trouble", True)


# rights


@pytest.mark.parametrize("missing", SCOPES)
def test_each_missing_right_is_found_with_what_it_costs(found, voucher_cloud, gateway_settings, missing):
    restrict(voucher_cloud, gateway_settings, missing)
    reports = {
        check.removeprefix("right "): report for check, report in found().items() if check[:5] == "right"
    }
    state, text = reports.pop(missing)
    assert state == ("trouble" if missing in PAYMENTS_NEED else "warning")
    assert text.startswith("missing (403): ")
    expected = dict.fromkeys(reports, "ok")
    if missing == "read":
        expected["read-secrets"] = "not known"
    assert {scope: state for scope, (state, _) in reports.items()} == expected


SELLING = {
    "SOLD_VOUCHERS": "tests.shop.sold.vouchers",
    "EVENTS": {"authorize": "tests.shop.signals.confirmed", "activate": "tests.shop.signals.shipped"},
}


@pytest.mark.parametrize("missing", SCOPES)
def test_a_shop_that_sells_vouchers_needs_more_rights(found, voucher_cloud, gateway_settings, missing):
    gateway_settings(**SELLING)
    restrict(voucher_cloud, gateway_settings, missing)
    reports = found()
    needs_it = missing in PAYMENTS_NEED | {"manage", "read-secrets"}
    assert reports[f"right {missing}"][0] == ("trouble" if needs_it else "warning")
    state, text = reports["selling"]
    if missing in ("read-lists", "update", "recharge"):
        assert (state, text) == (
            "ok",
            "the client has the rights that selling needs: read, use, read-secrets, manage",
        )
    else:
        assert (state, text) == ("trouble", f"the client lacks {missing}")


def test_what_selling_needs_is_told_with_what_it_costs(found, voucher_cloud, gateway_settings):
    gateway_settings(**SELLING)
    restrict(voucher_cloud, gateway_settings, "manage", "read")
    reports = found()
    assert "no voucher can be sold" in reports["right manage"][1]
    assert "payments do not need it" not in reports["right manage"][1]
    assert reports["selling"] == ("trouble", "the client lacks read, manage")


def test_refunds_by_recharge_need_that_right(found, voucher_cloud, gateway_settings):
    restrict(voucher_cloud, gateway_settings, "recharge")
    gateway_settings(REFUND_FALLBACK=["recharge", "manual"])
    state, text = found()["right recharge"]
    assert (state, "REFUND_FALLBACK" in text) == ("trouble", True)
    assert "selling" not in found()
    gateway_settings(**SELLING)
    assert found()["selling"] == ("trouble", "the client lacks recharge")


def test_it_is_said_how_certain_a_right_is(found):
    texts = {check: text for check, (_, text) in found().items() if check.startswith("right")}
    certain = [check for check, text in texts.items() if text.startswith("granted for certain")]
    likely = [check for check, text in texts.items() if text.startswith("granted, most likely")]
    assert certain == ["right read-lists"]
    assert sorted([*certain, *likely]) == sorted(texts)


def test_a_403_is_a_missing_right_whatever_its_code_is_said_to_mean(found, voucher_cloud, gateway_settings):
    restrict(voucher_cloud, gateway_settings, "use")
    gateway_settings(ERROR_MEANINGS={"FORBIDDEN": "unusable"})
    assert found()["right use"][0] == "trouble"


# an address that is not the API's


def answer_of(status, body, kind="application/json"):
    """Serve a token, then this answer to all else, as a wrong address would."""

    def answer(connection, request):
        if b"/oauth/token" in request.partition(b"\r\n")[0]:
            connection.sendall(reply({"access_token": "t", "token_type": "Bearer"}))
        else:
            head = f"HTTP/1.1 {status} X\r\nContent-Type: {kind}\r\nContent-Length: {len(body)}\r\n"
            connection.sendall(f"{head}Connection: close\r\n\r\n{body}".encode())

    return answer


def own_document(status, code="SOME.CODE"):
    return json.dumps({"status": status, "code": code, "message": "Told by the API."})


def test_an_address_without_its_version_is_told_and_no_right_is_concluded(found, server, gateway_settings):
    gateway_settings(BASE_URL=server.url)
    reports = found()
    state, text = reports["API"]
    assert (state, text) == (
        "trouble",
        f"{server.url} has no list of vouchers (404): BASE_URL needs the API's own address with its version, such as "
        "https://host.example/v1",
    )
    assert {state for check, (state, _) in reports.items() if check.startswith("right")} == {"not known"}
    with pytest.raises(CommandError, match="found trouble"):
        call_command("voucher_doctor", "--json")


def test_nothing_but_the_list_is_called_at_a_wrong_address(found, voucher_cloud, server, gateway_settings):
    gateway_settings(BASE_URL=f"{server.url}/v2")
    assert found()["API"][0] == "trouble"
    assert [(each.method, each.path.partition("?")[0]) for each in voucher_cloud.requests] == [
        ("HEAD", "/v2"),
        ("POST", "/oauth/token"),
        ("GET", "/v2/vouchers"),
    ]


ELSEWHERE = {
    "the API's own not found": (404, own_document(404)),
    "a page": (404, "<h1>Not Found</h1>"),
    "a page of a website": (200, "<html></html>"),
    "another API": (200, '{"status": "ok"}'),
    "another API's not found": (404, '{"error": "not found"}'),
    "no such method": (405, own_document(405)),
}


@pytest.mark.parametrize("kind", ELSEWHERE)
def test_what_is_not_the_api_is_a_wrong_address(found, gateway_settings, kind):
    with serving(answer_of(*ELSEWHERE[kind])) as elsewhere:
        gateway_settings(BASE_URL=elsewhere.base_url)
        assert found()["API"][0] == "trouble"


def test_a_missing_right_is_no_wrong_address(found, voucher_cloud, gateway_settings):
    restrict(voucher_cloud, gateway_settings, *SCOPES)
    reports = found()
    assert "API" not in reports
    assert reports["right read-lists"][1].startswith("missing (403): ")


def test_a_403_that_the_api_may_not_have_sent_is_told_as_that(found, gateway_settings):
    with serving(answer_of(403, "<h1>Forbidden</h1>")) as proxy:
        gateway_settings(BASE_URL=proxy.base_url)
        state, text = found()["right read-lists"]
    assert (state, text[:54]) == ("trouble", "missing (403), or refused by something before the API:")


READS = {("GET", "/v1/vouchers"), ("GET", "/v1/vouchers/{id}"), ("GET", "/v1/vouchers/{id}/complete")}
NO_MONEY = {
    ("PATCH", "/v1/vouchers/{id}/status"),
    ("DELETE", "/v1/vouchers/{id}"),
    ("PATCH", "/v1/vouchers/{id}"),
}
ONLY_CALL_OF_ITS_RIGHT = {("POST", "/v1/vouchers/recharge")}
BEHAVIOURS = {**PRESETS, **{f"random {seed}": Behaviour.random(seed) for seed in range(5)}}


PAIRS = [*((name, "") for name in BEHAVIOURS), *zip(cycle(BEHAVIOURS), SCOPES, strict=False)]


@pytest.mark.parametrize(("name", "missing"), PAIRS)
def test_looking_changes_nothing_however_the_api_behaves(
    found, voucher_cloud, gateway_settings, name, missing
):
    voucher_cloud.behaviour = BEHAVIOURS[name]
    spent = voucher_cloud.add_voucher(code="GIFT-20", amount="20.00")
    charge = voucher_cloud.charge(voucher_cloud.reserve("GIFT-20", "5.00"), "ORDER-1")
    voucher_cloud.reserve("GIFT-20", "5.00")
    voucher_cloud.add_voucher(amount="20.00", status="inactive")
    restrict(voucher_cloud, gateway_settings, missing)
    before, entries = contents(voucher_cloud), voucher_cloud.ledger.entries()
    found()
    assert contents(voucher_cloud) == before
    assert voucher_cloud.ledger.entries() == entries
    voucher_cloud.ledger.check()
    paths = [request.path for request in voucher_cloud.requests]
    assert not any(known in path for path in paths for known in (spent.id, charge.id))
    sent = {
        (request.method, re.sub("voucher-doctor-[0-9a-f]{32}", "{id}", request.path))
        for request in voucher_cloud.requests
    }
    asked = sent - {("HEAD", "/v1"), ("POST", "/oauth/token")}
    assert asked == READS | NO_MONEY | ONLY_CALL_OF_ITS_RIGHT


def contents(cloud):
    """All that the local Voucher Cloud keeps, access tokens left out."""
    return {name: kept for name, kept in asdict(cloud.store.state).items() if name != "tokens"}


def test_without_read_lists_it_is_said_that_uncertain_charges_cannot_be_resolved(
    found, voucher_cloud, gateway_settings
):
    restrict(voucher_cloud, gateway_settings, "read-lists")
    assert "cannot be resolved" in found()["right read-lists"][1]


@pytest.mark.parametrize(
    "fault", ["before:503", "before:401", "before:html502", "after:garbage", "after:drop"]
)
def test_an_answer_that_says_nothing_about_a_right_leaves_it_open(
    found, voucher_cloud, fault, gateway_settings
):
    gateway_settings(TIMEOUT_SECONDS=0.5, DEADLINE_SECONDS=0.5)  # reads are repeated only as long as that
    voucher_cloud.faults.next(fault, path="/v1/*", times=None)
    states = {state for check, (state, _) in found().items() if check.startswith("right")}
    assert states == {"not known"}


def test_a_success_that_cannot_be_leaves_the_right_open(found, voucher_cloud, monkeypatch):
    monkeypatch.setattr("voucher_payment_gateway.api.VoucherCloud.delete_voucher", lambda *_: None)
    assert found()["right manage"][0] == "not known"
