"""The public face: names, twins, arguments, and what the package rests on."""

import ast
import inspect
import subprocess
import sys
from pathlib import Path

import pytest

from voucher_payment_gateway import api
from voucher_payment_gateway.api import PRODUCTION, SANDBOX, AsyncVoucherCloud, VoucherCloud

FOLDER = Path(api.__file__).parent
OPERATIONS = [
    "connect", "disconnect", "create_voucher", "list_vouchers", "get_voucher", "get_complete_voucher", "update_voucher",
    "set_voucher_status", "delete_voucher", "recharge_voucher", "list_voucher_charges", "get_voucher_charge",
    "reserve", "charge", "refund", "cancel_reservation", "authenticate",
]  # fmt: skip


def test_every_public_name_is_there():
    assert api.__all__ == sorted(
        api.__all__, key=lambda name: (not name.isupper(), not name[0].isupper(), name)
    )
    assert all(hasattr(api, name) for name in api.__all__)


def test_both_clients_have_the_same_operations():
    def public(kind):
        return {name for name in dir(kind) if not name.startswith("_")}

    assert public(VoucherCloud) - {"close"} == public(AsyncVoucherCloud) - {"aclose"}
    assert set(OPERATIONS) <= public(VoucherCloud)


@pytest.mark.parametrize("name", [*OPERATIONS, "__init__", "unconnected"])
def test_both_clients_have_the_same_signatures(name):
    own, other = (inspect.signature(getattr(kind, name)) for kind in (VoucherCloud, AsyncVoucherCloud))
    assert list(own.parameters.values()) == list(other.parameters.values())
    if not name.startswith("list_"):
        assert own.return_annotation == other.return_annotation


@pytest.mark.parametrize("name", OPERATIONS)
def test_every_operation_makes_its_promise_on_both_clients(name):
    docs = getattr(VoucherCloud, name).__doc__
    assert docs == getattr(AsyncVoucherCloud, name).__doc__
    assert "raise" in docs.lower()
    assert name == "authenticate" or "``" in docs


def test_every_operation_of_the_async_client_is_awaited_but_the_lists():
    for name in OPERATIONS:
        awaited = inspect.iscoroutinefunction(getattr(AsyncVoucherCloud, name))
        assert awaited != name.startswith("list_"), name


def test_the_base_urls_are_those_of_the_documentation():
    assert PRODUCTION == "https://vouchers.api.jtl-software.com/v1"
    assert SANDBOX == "https://vouchers-sbx.api.jtl-software.com/v1"


GOOD = {"client_id": "client-1", "client_secret": "secret"}


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("client_id", ""),
        ("client_id", " "),
        ("client_id", None),
        ("client_id", "a\nb"),
        ("client_secret", ""),
        ("client_secret", None),
        ("base_url", "http://vouchers.example.org/v1"),
        ("base_url", "http://127.0.0.1.example.org/v1"),
        ("base_url", "http://10.0.0.1/v1"),
        ("base_url", "ftp://127.0.0.1"),
        ("base_url", "vouchers.example.org"),
        ("base_url", "https://"),
        ("base_url", "https://user:pass@example.org/v1"),
        ("base_url", "https://example.org/v1?x=1"),
        ("base_url", "https://example.org/v1#x"),
        ("base_url", "https://example.org:port/v1"),
        ("base_url", "https://[::1/v1"),
        ("base_url", "https://exa mple.org/v1"),
        ("base_url", "https://exämple.org/v1"),
        ("base_url", "https://a..b/v1"),
        pytest.param("base_url", f"https://{'a' * 64}.example/v1", id="base_url-long-label"),
        ("base_url", "https://example.org:0/v1"),
        ("base_url", "https://example.org/v1?"),
        ("base_url", "https://[fe80::1%eth0]/v1"),
        ("base_url", None),
        ("token_url", "http://example.org/oauth/token"),
        ("token_url", ""),
        ("client_type", "x" * 33),
        ("client_type", ""),
        ("timeout_seconds", 0),
        ("timeout_seconds", -1),
        ("timeout_seconds", float("inf")),
        ("timeout_seconds", float("nan")),
        ("timeout_seconds", "5"),
        ("timeout_seconds", 1e300),
        ("deadline_seconds", 1e300),
        pytest.param("deadline_seconds", 10**400, id="deadline_seconds-endless"),
        ("deadline_seconds", float("inf")),
        ("deadline_seconds", float("nan")),
        ("deadline_seconds", 3601),
        ("deadline_seconds", True),
        ("deadline_seconds", None),
        ("error_meanings", {"A.CODE": "no such meaning"}),
        ("error_meanings", {"A.CODE": ["unusable"]}),
        ("error_meanings", ["A.CODE"]),
        ("client_id", "a\ud800"),
        ("client_secret", "a\ud800"),
        ("base_url", "https://a\ud800.example"),
        ("ca_file", "/nowhere/ca.pem"),
        ("ca_file", __file__),
        ("proxy_url", ""),
        ("proxy_url", 3128),
        ("proxy_url", "proxy.example:3128"),
        ("proxy_url", "socks5://proxy.example:1080"),
    ],
)
@pytest.mark.parametrize("kind", [VoucherCloud, AsyncVoucherCloud])
def test_a_bad_argument_is_refused_by_its_name(kind, name, value):
    with pytest.raises(ValueError, match=f"^{name}:"):
        kind(**{**GOOD, name: value})


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1:8900/v1",
        "http://localhost/v1/",
        "http://[::1]:80/v1",
        "http://127.9.9.9",
        "https://h.example",
    ],
)
def test_https_or_loopback_is_accepted(url):
    assert repr(VoucherCloud(**GOOD, base_url=url)) == f"VoucherCloud({url.rstrip('/')!r})"


def test_the_client_works_where_django_is_not():
    code = (
        "import sys; sys.modules['django'] = None\n"
        "import voucher_payment_gateway.api as api\n"
        "api.VoucherCloud(client_id='a', client_secret='b')\n"
        "assert not [name for name in sys.modules if name.startswith('django.')]\n"
    )
    subprocess.run([sys.executable, "-W", "error", "-c", code], check=True, cwd=FOLDER.parent.parent)


def imports(path):
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield f"{node.module}"


OF_HTTPX = {"h11", "httpcore", "httpx"}
ELSEWHERE = {"sandbox/transport.py"}
"""The local Voucher Cloud in process: a transport that a test gives to a client."""


def test_all_that_knows_httpx_stands_in_one_folder():
    package = FOLDER.parent
    found = {
        path.relative_to(package).as_posix()
        for path in package.rglob("*.py")
        if OF_HTTPX & {name.split(".")[0] for name in imports(path)}
    }
    assert {place for place in found if not place.startswith("api/_http/")} == ELSEWHERE


def test_no_file_is_long():
    assert {path.name for path in FOLDER.rglob("*.py") if len(path.read_text().splitlines()) > 300} == set()
