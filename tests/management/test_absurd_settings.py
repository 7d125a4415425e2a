"""Whatever the settings hold, the doctor and connect end in a sentence: no traceback, no secret."""

import socket
from threading import Event

import pytest
from django.core.management import CommandError, call_command

from tests.api.doubles import serving
from voucher_payment_gateway.conf import GatewaySettings
from voucher_payment_gateway.management.connect import ADDRESS_KEYS

CANARY = "canary-of-a-password"


class Unspeakable:
    """Raises, whatever is to be said of it."""

    def __repr__(self):
        raise RuntimeError(CANARY)

    __str__ = __len__ = __bool__ = __call__ = __repr__


def fails():
    raise RuntimeError(CANARY)


ABSURD = [
    None,
    "",
    "\x00",
    "\ud800",
    "\U0001f4b6" * 300,
    CANARY,
    "nowhere..at.all",
    b"\xff\xfe",
    -1,
    1e-300,
    1e300,
    float("inf"),
    float("nan"),
    10**400,
    True,
    [None],
    [CANARY],
    {"capture": "..", "field": "\x00"},
    {None: None},
    {"number": "..", "total": "\x00", "currency": "pk.pk.pk"},
    object(),
    Unspeakable(),
    fails,
    lambda: CANARY + "\n",
    lambda: Unspeakable(),
]

ADDRESSES = [
    f"https://user:{CANARY}@127.0.0.1:1/v1",
    f"https://127.0.0.1:1/v1?{CANARY}",
    f"https://127.0.0.1:{CANARY}/v1",
    "https://127.0.0.1:99999",
    "https://a..b",
    "https://",
    "http://[::1",
    "http://127.0.0.1:1/\x00",
    "http://127.0.0.1:1/%zz%",
    "/",
]

KEYS = [*GatewaySettings.model_fields, "NO_SUCH_KEY"]
OF_CONNECT = {*ADDRESS_KEYS, "TOKEN_URL", "CLIENT_SECRET"}
NAMES = {
    "ORDER_MODEL",
    "ORDER_FIELDS",
    "ORDER_ADAPTER",
    "SOLD_VOUCHERS",
    "ORDER_IS_PAID",
    "CUSTOMER_ORDERS",
    "CHECKOUT_ORDER",
    "CODE_NORMALISER",
    "EVENTS",
    "ON_STATUS",
    "INSTANCE",
}
"""Their checks repeat the name that they cannot find; nobody keeps a secret there."""

pytestmark = [pytest.mark.usefixtures("development"), pytest.mark.django_db]


@pytest.fixture
def quick(gateway_settings, voucher_cloud):
    """Settings with which nothing waits long."""
    gateway_settings(TIMEOUT_SECONDS=0.5, DEADLINE_SECONDS=1)
    return gateway_settings


def output_of(capsys, command, *arguments, **options):
    """Run a command; return all that it says. Anything but a CommandError is a traceback."""
    try:
        call_command(command, *arguments, **options)
        sentence = ""
    except CommandError as error:
        sentence = str(error)
    printed = sentence + "".join(capsys.readouterr())
    assert "Traceback" not in printed
    return printed


def values_of(key):
    """Of the absurd values every third, from a place that differs from key to key: so each meets many keys."""
    if key in OF_CONNECT:
        return [*ABSURD, *ADDRESSES]
    return ABSURD[KEYS.index(key) % 3 :: 3]


@pytest.mark.parametrize("key", KEYS)
def test_no_value_of_any_setting_ends_in_a_traceback(quick, voucher_cloud, capsys, key):
    for value in values_of(key):
        quick(**{key: value})
        said = output_of(capsys, "voucher_doctor")
        if key in OF_CONNECT:
            said += output_of(capsys, "voucher_connect", voucher_cloud.issue_pin())
        assert key in NAMES or CANARY not in said


@pytest.mark.parametrize("raw", [*ABSURD, {"KEY": CANARY}], ids=lambda value: type(value).__name__)
def test_no_settings_dict_ends_in_a_traceback(settings, capsys, raw):
    settings.VOUCHER_PAYMENT_GATEWAY = raw
    assert "E00" in output_of(capsys, "voucher_doctor")
    assert CANARY not in output_of(capsys, "voucher_connect", "X53HI0")


def test_an_error_that_is_silenced_is_told_all_the_same(settings, gateway_settings, capsys):
    gateway_settings(BASE_URL="https://a..b")
    settings.SILENCED_SYSTEM_CHECKS = ["voucher_payment_gateway.E005"]
    assert "E005" in output_of(capsys, "voucher_doctor")


@pytest.mark.parametrize("caches", [{}, {"default": {"BACKEND": "nowhere.Cache"}}])
def test_a_cache_that_cannot_be_made_is_told(gateway_settings, settings, capsys, caches):
    settings.CACHES = caches
    assert "trouble    cache: it cannot be used (InvalidCacheBackendError)" in output_of(
        capsys, "voucher_doctor"
    )


@pytest.mark.parametrize(
    ("part", "check"),
    [
        ("settings_findings", "settings"),
        ("remote_findings", "Voucher Cloud"),
        ("cache_findings", "cache"),
        ("database_findings", "database"),
        ("sealing_findings", "sealing keys"),
    ],
)
def test_a_look_that_fails_is_told_by_its_kind_and_does_not_stop_the_others(
    gateway_settings, monkeypatch, capsys, part, check
):
    def fail(*_):
        raise RuntimeError(CANARY)

    monkeypatch.setattr(f"voucher_payment_gateway.management.doctor.{part}", fail)
    said = output_of(capsys, "voucher_doctor")
    assert f"trouble    {check}: the check itself failed (RuntimeError)" in said
    assert CANARY not in said
    assert len(said.splitlines()) > 6


# the total deadline of the first look


def test_a_server_that_drips_is_given_up_at_the_deadline(quick, capsys):
    answer, stop = b"HTTP/1.1 200 OK\r\nX-Long: " + b"x" * 400 + b"\r\n\r\n", Event()

    def drip(connection, _):
        for byte in answer:
            if stop.wait(0.02):
                return
            connection.sendall(bytes([byte]))

    with serving(drip) as server:
        quick(BASE_URL=server.base_url)
        said = output_of(capsys, "voucher_doctor")
        stop.set()
    assert f"trouble    address: {server.base_url} does not answer in time" in said


def test_a_resolver_that_does_not_answer_is_given_up_at_the_deadline(quick, monkeypatch, capsys):
    real, answered = socket.getaddrinfo, Event()

    def wait(*arguments, **options):
        answered.wait(60)
        return real(*arguments, **options)

    monkeypatch.setattr(socket, "getaddrinfo", wait)
    said = output_of(capsys, "voucher_doctor")
    answered.set()
    assert "does not answer in time" in said


# connect says whether the PIN is still good


@pytest.mark.parametrize(
    "changes", [{"CA_FILE": "nowhere.pem"}, {"TIMEOUT_SECONDS": float("inf")}, {"BASE_URL": "https://a..b"}]
)
def test_a_setting_that_stops_connect_is_named_and_the_pin_stays_good(quick, voucher_cloud, changes):
    (key,) = changes
    if key == "TIMEOUT_SECONDS":
        changes["DEADLINE_SECONDS"] = float("inf")
    quick(**changes)
    with pytest.raises(CommandError, match=f"VOUCHER_PAYMENT_GATEWAY: {key}: .* The PIN was not used"):
        call_command("voucher_connect", voucher_cloud.issue_pin())
    assert voucher_cloud.requests == []


def test_what_nobody_thought_of_says_that_the_pin_may_be_spent(quick, monkeypatch):
    def fail(*_):
        raise RuntimeError(CANARY)

    monkeypatch.setattr("voucher_payment_gateway.api.VoucherCloud.connect", fail)
    with pytest.raises(CommandError, match=r"It failed \(RuntimeError\), and the PIN may be spent"):
        call_command("voucher_connect", "X53HI0")
