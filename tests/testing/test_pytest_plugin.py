"""The fixtures, as a shop's tests use them: each test here runs a separate pytest in a small shop."""

import pytest
from cryptography.fernet import Fernet

from tests.testing.little_shop import INI, SETTINGS

pytest_plugins = "pytester"

FIVE_LINES = """
def test_a_customer_pays_a_part_with_a_voucher(client, transactional_db, make_voucher, voucher_cloud):
    voucher = make_voucher("20.00")
    due = client.post("/pay/", {"code": voucher.code}).content
    assert due == b"30.00"
    assert voucher_cloud.voucher(voucher.id).held == voucher.amount
"""


def test_a_checkout_is_tested_in_five_lines(shop):
    assert len(FIVE_LINES.strip().splitlines()) == 5
    shop.test(FIVE_LINES).assert_outcomes(passed=1)


def test_the_fixtures_are_offered_with_a_sentence_each(project):
    shown = project.test("", "--fixtures").stdout
    for name in ("voucher_cloud", "make_voucher", "voucher_client"):
        shown.re_match_lines([rf"{name}\b.*pytest_plugin\.py.*", r"    [A-Z].*\."])


def test_faults_switches_and_the_clock_are_in_reach(shop):
    shop.test(
        """
        import pytest
        from shop.models import Order
        from shop.signals import shipped
        from voucher_payment_gateway.exceptions import UnavailableError
        from voucher_payment_gateway import gateway

        pytestmark = pytest.mark.django_db(transaction=True)

        def test_a_fault(client, make_voucher, voucher_cloud):
            voucher_cloud.faults.next("before:503", path="*/reservations", times=None)
            assert client.post("/pay/", {"code": make_voucher().code}).status_code == 409
            assert voucher_cloud.faults.log

        def test_a_switch(client, make_voucher, voucher_cloud):
            voucher_cloud.behaviour = voucher_cloud.behaviour.but(code_case_sensitive=False)
            assert client.post("/pay/", {"code": make_voucher(code="Gift").code.lower()}).content == b"30.00"

        def test_a_moved_clock(client, make_voucher, voucher_cloud):
            voucher = make_voucher("20.00")
            client.post("/pay/", {"code": voucher.code})
            voucher_cloud.clock.advance(31 * 60)
            assert voucher_cloud.voucher(voucher.id).held == 0
            shipped.send(sender=Order, order=Order.objects.get())
            assert voucher_cloud.balance(voucher.id) == 0
        """.replace("\n        ", "\n")
    ).assert_outcomes(passed=3)


def test_vouchers_are_made_as_asked(shop):
    shop.test(
        """
        import pytest
        from voucher_payment_gateway.api import VoucherCloud

        def test_codes_are_unique_and_long(make_voucher):
            codes = {make_voucher().code for _ in range(50)}
            assert len(codes) == 50
            assert {len(code) for code in codes} == {16}

        @pytest.mark.django_db(transaction=True)
        def test_a_pin(client, make_voucher):
            code = make_voucher(pin="1234").code
            assert client.post("/pay/", {"code": code}).status_code == 409
            assert client.post("/pay/", {"code": code, "pin": "1234"}).status_code == 200

        def test_fields_and_status(make_voucher, voucher_client):
            voucher = make_voucher("7.50", status="inactive", currency="USD", taxable=True, code="MY-CODE")
            assert voucher.code == "MY-CODE"
            found = voucher_client.get_voucher(voucher.id)
            assert (found.status, found.currency, found.taxable) == ("inactive", "USD", True)

        def test_a_status_that_does_not_exist(make_voucher):
            with pytest.raises(ValueError, match="status"):
                make_voucher(status="expired")
        """.replace("\n        ", "\n")
    ).assert_outcomes(passed=4)


SETTINGS_DURING_AND_AFTER = """
import pytest
from django.conf import settings
from voucher_payment_gateway import connection
from voucher_payment_gateway.conf import gateway_settings
from voucher_payment_gateway.sandbox.clients import SCOPES

@pytest.fixture(autouse=True)
def _a_change_of_the_shops_own({fixture}):
    yield

@pytest.fixture(scope="module", autouse=True)
def _as_it_was():
    own, wrapped = dict(settings.VOUCHER_PAYMENT_GATEWAY), settings._wrapped
    yield
    assert settings.VOUCHER_PAYMENT_GATEWAY == own
    assert settings._wrapped is wrapped
    assert connection._clients == {{}}

def test_during(voucher_cloud{argument}):
    {change}
    now = gateway_settings()
    assert (now.ENVIRONMENT, now.base_url, now.TOKEN_URL) == ("local", voucher_cloud.base_url, "")
    assert (now.CLIENT_ID, now.CLIENT_SECRET) == (voucher_cloud.client_id, voucher_cloud.client_secret)
    assert len(now.SEALING_KEYS) == 1
    assert now.DEADLINE_SECONDS == {deadline}
    assert now.EVENTS == {{"capture": "shop.signals.shipped"}}
    connection.voucher_cloud().authenticate()
    assert [call.path for call in voucher_cloud.requests] == ["/oauth/token"]

def test_after():
    assert gateway_settings().CLIENT_ID == "the-real-shop"
    assert "SEALING_KEYS" not in settings.VOUCHER_PAYMENT_GATEWAY

def test_the_next_cloud_is_another_one(voucher_cloud):
    assert [call.path for call in voucher_cloud.requests] == []
    connection.voucher_cloud().authenticate()
    assert len(voucher_cloud.requests) == 1
"""


def test_the_settings_are_the_shops_own_but_for_the_address_and_restored_afterwards(shop):
    source = SETTINGS_DURING_AND_AFTER.format(fixture="", argument="", change="", deadline=12)
    shop.test(source).assert_outcomes(passed=3)


def test_a_test_that_changes_settings_itself_leaves_nothing_behind(shop):
    change = "settings.VOUCHER_PAYMENT_GATEWAY = {**settings.VOUCHER_PAYMENT_GATEWAY, 'DEADLINE_SECONDS': 9}"
    source = SETTINGS_DURING_AND_AFTER.format(
        fixture="settings", argument=", settings", change=change, deadline=9
    )
    shop.test(source).assert_outcomes(passed=3)


def test_the_sealing_keys_of_a_shop_are_kept_and_a_foreign_fixture_settings_is_left_alone(shop):
    key = Fernet.generate_key().decode()
    shop.write("config.py", f"{SETTINGS}VOUCHER_PAYMENT_GATEWAY['SEALING_KEYS'] = ['{key}']\n")
    shop.test(f"""
import pytest
from voucher_payment_gateway.conf import gateway_settings

@pytest.fixture
def settings():
    return object()

def test_it(voucher_cloud):
    assert gateway_settings().base_url == voucher_cloud.base_url
    assert gateway_settings().SEALING_KEYS == ["{key}"]
""").assert_outcomes(passed=1)


def test_it_works_without_pytest_django(shop):
    shop.write("pytest.ini", INI)
    shop.write(
        "conftest.py",
        "import os, django\nos.environ['DJANGO_SETTINGS_MODULE'] = 'config'\ndjango.setup()\n",
    )
    source = SETTINGS_DURING_AND_AFTER.format(fixture="", argument="", change="", deadline=12)
    shop.test(source, "-p", "no:django").assert_outcomes(passed=3)


WITHOUT_DJANGO = """
from decimal import Decimal

def test_the_client_moves_money(voucher_client, make_voucher, voucher_cloud):
    voucher = make_voucher("20.00")
    held = voucher_client.reserve(code=voucher.code, amount=Decimal("5.00"), currency="EUR")
    voucher_client.charge(held.id, "ORDER-1")
    assert voucher_cloud.balance(voucher.id) == Decimal("15.00")
    from django.conf import settings
    assert not settings.configured
"""


@pytest.mark.parametrize("options", [(), ("-p", "no:django")])
def test_a_project_without_django_uses_the_client(project, options):
    project.test(WITHOUT_DJANGO, *options).assert_outcomes(passed=1)


def test_a_project_that_has_nothing_to_do_with_vouchers_is_not_slowed_down(project):
    project.test(
        """
import sys

def test_it():
    loaded = {name.partition(".")[0] for name in sys.modules}
    assert loaded & {"django", "pydantic", "httpx"} == set()
    assert "voucher_payment_gateway.testing.pytest_plugin" in sys.modules
    assert "voucher_payment_gateway.sandbox" not in sys.modules
""",
        "-p",
        "no:django",
    ).assert_outcomes(passed=1)


def test_workers_side_by_side_do_not_meet(shop):
    source = """
import pytest

@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("_", range(8))
def test_each_has_its_own_cloud(client, make_voucher, voucher_cloud, _):
    assert client.post("/pay/", {"code": make_voucher("20.00", code="SAME").code}).content == b"30.00"
    assert [call.path for call in voucher_cloud.requests].count("/oauth/token") == 1
"""
    ran = shop.test(source, "-n", "2")
    ran.assert_outcomes(passed=8)


def test_a_cloud_of_ones_own_replaces_the_fixture_and_the_others_follow(project):
    project.test("""
import pytest
from voucher_payment_gateway.sandbox import HOSTILE
from voucher_payment_gateway.testing import local_voucher_cloud

@pytest.fixture
def voucher_cloud():
    with local_voucher_cloud(behaviour=HOSTILE) as cloud:
        yield cloud

def test_it(make_voucher, voucher_client, voucher_cloud):
    assert voucher_client.get_voucher(make_voucher().id).status == "active"
    assert voucher_cloud.behaviour == HOSTILE
""").assert_outcomes(passed=1)
