"""No call of the gateway takes the default account by oversight: each says whose voucher it is about."""

import ast
from pathlib import Path

import pytest

import voucher_payment_gateway

GATEWAY = Path(voucher_payment_gateway.__file__).parent / "gateway"


def calls_of(name):
    for path in sorted(GATEWAY.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == name:
                yield path.name, node


def test_the_client_is_that_of_an_account():
    found = list(calls_of("voucher_cloud"))
    assert len(found) > 8
    assert [path for path, node in found if not node.args] == []


@pytest.mark.parametrize("name", ["reserve_exactly", "reserve_available"])
def test_a_reservation_is_made_on_a_voucher_of_an_account(name):
    found = list(calls_of(name))
    assert found
    assert [path for path, node in found if "account" not in {each.arg for each in node.keywords}] == []


def test_no_credentials_are_read_but_those_of_an_account():
    keys = ("CLIENT_ID", "CLIENT_SECRET", "BASE_URL", "TOKEN_URL")
    for path in sorted(GATEWAY.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Attribute) and node.attr in keys:
                assert "account_settings" in ast.unparse(node), path
