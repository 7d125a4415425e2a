"""Through a forward proxy, over real sockets: tunnels, users, and what of a failure was sent."""

import logging
import pickle
import time
from datetime import UTC, datetime, timedelta

import pytest

from tests.api.doubles import CHARGE, VOUCHER, reply, serving
from tests.api.proxy_double import far, proxying
from tests.api.test_sockets import inside_window
from voucher_payment_gateway.api import Token, VoucherCloud
from voucher_payment_gateway.api.arguments import proxy_problem
from voucher_payment_gateway.api.proxy import proxy_of
from voucher_payment_gateway.exceptions import OutcomeUnknownError, UnavailableError

FAR_SECONDS = 10
USER = "shop:canary-pa%ss/@w"
QUOTED = "shop:canary-pa%25ss%2F%40w"
"""The same user and password, as they stand in an address."""


def answers(body):
    return lambda connection, request: connection.sendall(reply(body))


def read(cloud):
    return cloud.get_voucher("v-1")


def charge(cloud):
    return cloud.charge("r-1", "ORDER-1")


def test_every_call_goes_through_the_proxy_and_stays_encrypted(client, authority):
    ca_file, context = authority
    with serving(answers(VOUCHER), context=context) as server, proxying() as proxy:
        run = client(transport=None, base_url=far(server.base_url), ca_file=ca_file, proxy_url=proxy.url)
        assert run(read, read).id == "v-1"
        there = far(server.base_url).removeprefix("https://").removesuffix("/v1")
        assert set(proxy.asked) == {("CONNECT", there)}
        assert server.seen["/oauth/token"] == 1
        assert server.seen["/v1/vouchers/v-1"] == 2


def test_a_proxy_may_be_spoken_to_over_tls(client, authority):
    ca_file, context = authority
    with serving(answers(VOUCHER), context=context) as server, proxying(context=context) as proxy:
        run = client(transport=None, base_url=far(server.base_url), ca_file=ca_file, proxy_url=proxy.url)
        assert run(read).id == "v-1"
        assert proxy.asked


@pytest.mark.parametrize("is_encrypted", [False, True], ids=["http", "https"])
def test_this_machine_is_called_directly(client, authority, is_encrypted):
    """A proxy would read the token and the code of a call without TLS, and its own loopback is another machine."""
    ca_file, context = authority
    with serving(answers(VOUCHER), context=context if is_encrypted else None) as server, proxying() as proxy:
        run = client(transport=None, base_url=server.base_url, ca_file=ca_file, proxy_url=proxy.url)
        assert run(read).id == "v-1"
        assert server.seen["/oauth/token"] == 1
        assert proxy.asked == []


def test_each_address_goes_its_own_way(client, authority):
    ca_file, context = authority
    with serving(answers(VOUCHER), context=context) as server, serving(None) as tokens, proxying() as proxy:
        token_url = tokens.base_url.replace("/v1", "/oauth/token")
        run = client(
            transport=None,
            base_url=far(server.base_url),
            token_url=token_url,
            ca_file=ca_file,
            proxy_url=proxy.url,
        )
        assert run(read).id == "v-1"
        assert tokens.seen["/oauth/token"] == 1
        assert [method for method, _ in proxy.asked] == ["CONNECT"]


def test_the_proxy_is_given_its_user(client, authority):
    ca_file, context = authority
    with serving(answers(VOUCHER), context=context) as server, proxying(user=USER) as proxy:
        url = proxy.url.replace("://", f"://{QUOTED}@")
        assert (
            client(transport=None, base_url=far(server.base_url), ca_file=ca_file, proxy_url=url)(read).id
            == "v-1"
        )


def test_without_a_user_that_it_wants_nothing_was_sent(client, authority):
    ca_file, context = authority
    with serving(answers(CHARGE), context=context) as server, proxying(user=USER) as proxy:
        run = client(transport=None, base_url=far(server.base_url), ca_file=ca_file, proxy_url=proxy.url)
        with pytest.raises(UnavailableError):
            run(charge)
        assert server.connections == 0


def hang_up(connection):
    connection.close()
    return True


def refuse(connection):
    connection.sendall(b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n")
    return True


def keep_silent(connection):
    connection.recv(1)  # until the client leaves
    return True


class Stored:
    """A token store that has a token: no request comes before the call."""

    def load(self, wait_seconds=0.0):
        now = datetime.now(UTC)
        return Token("a-token", now, now + timedelta(hours=1))

    def save(self, token):
        pass

    give_up = forget = lambda *_: None


@pytest.mark.parametrize("behave", [hang_up, refuse, keep_silent])
def test_a_proxy_that_does_not_connect_means_that_nothing_was_sent(client, authority, behave):
    """Although its own request, CONNECT, was."""
    ca_file, context = authority
    with serving(answers(CHARGE), context=context) as server, proxying(behave=behave) as proxy:
        run = client(
            transport=None,
            base_url=far(server.base_url),
            ca_file=ca_file,
            proxy_url=proxy.url,
            token_store=Stored(),
            timeout_seconds=0.3,
            deadline_seconds=0.6,
        )
        begun = time.monotonic()
        with pytest.raises(UnavailableError):
            run(charge)
        assert time.monotonic() - begun < FAR_SECONDS
        assert (len(proxy.asked), server.connections) == (1, 0)


def test_a_proxy_that_is_not_there_means_that_nothing_was_sent(client):
    with proxying() as proxy:
        pass
    run = client(
        transport=None, base_url=far("https://127.0.0.1:1/v1"), proxy_url=proxy.url, token_store=Stored()
    )
    with pytest.raises(UnavailableError):
        run(charge)


def test_a_charge_that_is_lost_behind_the_proxy_may_have_been_sent(client, authority):
    ca_file, context = authority
    with serving(lambda connection, _: connection.close(), context=context) as server, proxying() as proxy:
        run = client(transport=None, base_url=far(server.base_url), ca_file=ca_file, proxy_url=proxy.url)
        with pytest.raises(OutcomeUnknownError):
            run(charge)
        assert server.seen["/v1/reservations/r-1/charge"] == 1


@pytest.mark.parametrize("ask", [charge, read])
def test_a_call_through_the_proxy_ends_at_its_deadline(client, authority, ask):
    ca_file, context = authority
    with serving(lambda connection, _: connection.recv(1), context=context) as server, proxying() as proxy:
        run = client(
            transport=None,
            base_url=far(server.base_url),
            ca_file=ca_file,
            proxy_url=proxy.url,
            timeout_seconds=0.5,
            deadline_seconds=0.6,
        )
        begun = time.monotonic()
        with pytest.raises((OutcomeUnknownError, UnavailableError)):
            run(ask)
        assert time.monotonic() - begun < FAR_SECONDS


def test_the_window_may_pass_while_the_proxy_connects(client, authority):
    ca_file, context = authority

    def slow(connection):
        time.sleep(0.3)

    with serving(answers(CHARGE), context=context) as server, proxying(behave=slow) as proxy:
        run = client(
            transport=None,
            base_url=far(server.base_url),
            ca_file=ca_file,
            proxy_url=proxy.url,
            token_store=Stored(),
        )
        with pytest.raises(UnavailableError) as caught:
            run(inside_window(0.1, charge))
        assert caught.value.code == "send_window_passed"
        assert server.seen.total() == 0


def test_the_certificate_of_the_voucher_cloud_is_verified_behind_the_proxy_too(client, authority):
    with serving(answers(CHARGE), context=authority[1]) as server, proxying() as proxy:
        run = client(transport=None, base_url=far(server.base_url), proxy_url=proxy.url, token_store=Stored())
        with pytest.raises(UnavailableError):
            run(charge)
        assert server.seen.total() == 0


def test_a_proxy_of_the_environment_is_not_used(client, monkeypatch):
    with serving(answers(VOUCHER)) as server, proxying() as proxy:
        for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy"):
            monkeypatch.setenv(name, proxy.url)
        assert client(transport=None, base_url=server.base_url)(read).id == "v-1"
        assert proxy.asked == []


def test_its_password_is_shown_nowhere(client, authority, caplog):
    caplog.set_level(logging.DEBUG)
    url = "http://shop:canary-password@127.0.0.1:1"
    run = client(transport=None, base_url=far("https://127.0.0.1:1/v1"), proxy_url=url, token_store=Stored())
    with pytest.raises(UnavailableError) as caught:
        run(charge)
    with VoucherCloud(client_id="a", client_secret="b", proxy_url=url) as cloud:
        shown = (
            f"{caught.value!r} {caught.value.__notes__} {cloud!r} {cloud._flow.settings!r} {proxy_of(url)!r}"
        )
    assert "canary" not in shown + caplog.text
    with pytest.raises(TypeError):
        pickle.dumps(proxy_of(url))


@pytest.mark.parametrize(
    "url",
    [
        "http://proxy.example:3128",
        "http://proxy.example",
        "https://proxy.example:3128/",
        "HTTP://10.0.0.1:3128",
        "http://[2001:db8::1]:3128",
        f"http://{QUOTED}@proxy.example:3128",
        "http://shop:@proxy.example:3128",
    ],
)
def test_an_address_of_a_proxy(url):
    assert proxy_problem(url) == ""
    assert "@" not in proxy_of(url).url


@pytest.mark.parametrize(
    "url",
    [
        "proxy.example:3128",
        "socks5://proxy.example:1080",
        "http://",
        "http://:3128",
        "http://proxy.example:0",
        "http://proxy.example:70000",
        "http://proxy.example:",
        "http://proxy.example:3128/path",
        "http://proxy.example:3128?canary",
        "http://shop:canary/x@proxy.example:3128",
        "http://shop:canary#x@proxy.example:3128",
        "http://shop:can@ary@proxy.example:3128",
        "http://shop:canary\u00e9@proxy.example:3128",
        "http://proxy example:3128",
        "http://proxy.example:3128\n",
        "http://[2001:db8::1:3128",
    ],
)
def test_no_address_of_a_proxy_and_no_word_of_it(url):
    problem = proxy_problem(url)
    assert problem
    assert "canary" not in problem
    with pytest.raises(ValueError, match=r"^proxy_url: ") as caught:
        VoucherCloud(client_id="a", client_secret="b", proxy_url=url)
    assert "canary" not in str(caught.value)
