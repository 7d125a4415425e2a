"""The address for probes: status words alone, 200 where all is well, 503 where a person must look."""

from datetime import timedelta

import django.db
import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import NoReverseMatch, reverse
from django.utils import timezone

from tests.docs.pages import page, rows, section, words
from voucher_payment_gateway import gateway
from voucher_payment_gateway.exceptions import OutcomeUnknownError
from voucher_payment_gateway.health.examination import CHECKS
from voucher_payment_gateway.models import VoucherDifference, VoucherGatewayState, VoucherOperation

ADDRESS = "/status/vouchers/"
CODE = "GIFT-2000-ABCD"
WELL = {
    "database": "ok",
    "settings": "ok",
    "settle": "ok",
    "unknown_outcomes": "ok",
    "decisions": "ok",
}


@pytest.fixture
def probe(shop, settings, client):
    """Probe an address, and return its status and its words."""
    settings.ROOT_URLCONF = "tests.health.urls"

    def ask(address=ADDRESS):
        response = client.get(address)
        document = response.json()
        assert document.keys() == {"status", "checks"}
        assert document["status"] == ("ok" if response.status_code == 200 else "trouble")
        assert shop.calls() == []
        return response.status_code, document["checks"]

    return ask


@pytest.fixture
def unknown(shop):
    shop.voucher("20.00")
    order = shop.order("20.00")
    gateway.authorize(order, CODE)
    shop.cloud.faults.next("after:drop", path="*/charge")
    with pytest.raises(OutcomeUnknownError):
        gateway.capture(order)
    shop.calls()


def test_a_shop_that_is_well_is_told_so(probe):
    assert probe() == (200, WELL | {"settle": "never"})
    gateway.settle()
    assert probe() == (200, WELL)


def test_an_old_unknown_outcome_is_told(probe, shop, unknown):
    gateway.settle()
    shop.calls()
    assert probe() == (200, WELL)
    VoucherOperation.objects.filter(state="unknown").update(sending_at=timezone.now() - timedelta(hours=3))
    assert probe() == (503, WELL | {"unknown_outcomes": "old"})


def test_a_decision_that_waits_is_told(probe, shop, unknown):
    gateway.settle()
    shop.calls()
    VoucherOperation.objects.filter(kind="charge").update(state="manual", settled_at=timezone.now())
    assert probe() == (503, WELL | {"decisions": "waiting"})


def test_a_difference_that_is_not_explained_is_told(probe):
    gateway.settle()
    now = timezone.now()
    VoucherDifference.objects.create(
        kind="ours_only", voucher_id="v", sentence="x", first_seen_at=now, last_seen_at=now
    )
    assert probe() == (503, WELL | {"decisions": "waiting"})
    VoucherDifference.objects.update(explained_at=now)
    assert probe() == (200, WELL)


def test_a_settle_that_has_stopped_is_told_and_logged_once(probe, caplog):
    gateway.settle()
    long_ago = timezone.now() - timedelta(minutes=16)
    VoucherGatewayState.objects.filter(name="last_sweep").update(value=long_ago.isoformat())
    for _ in range(2):
        assert probe() == (503, WELL | {"settle": "late"})
    told = [each for each in caplog.records if each.name == "voucher_payment_gateway"]
    assert [each.levelname for each in told] == ["ERROR"]


def test_wrong_settings_are_told(probe, gateway_settings):
    gateway.settle()
    gateway_settings(CAPTURE="later")
    assert probe() == (503, WELL | {"settings": "wrong", "settle": "not known"})
    assert probe(f"{ADDRESS}ready/") == (503, {"database": "ok", "settings": "wrong"})


def test_a_database_that_is_away_is_asked_once(probe, monkeypatch):
    """Also with ``ATOMIC_REQUESTS``, whose transaction would begin before the view does."""
    monkeypatch.setitem(connection.settings_dict, "ATOMIC_REQUESTS", True)
    asked = []

    def away(execute, sql, params, many, context):
        asked.append(sql)
        raise django.db.OperationalError("the server closed the connection")

    with connection.execute_wrapper(away):
        status, told = probe()
        assert probe(f"{ADDRESS}ready/") == (503, {"database": "away", "settings": "ok"})
    others = dict.fromkeys(("settle", "unknown_outcomes", "decisions"), "not known")
    assert (status, told) == (503, {"database": "away", "settings": "ok"} | others)
    assert len(asked) == 2


def test_to_be_ready_less_is_needed(probe, shop, unknown):
    shop.later(hours=3)
    assert probe()[0] == 503
    assert probe(f"{ADDRESS}ready/") == (200, {"database": "ok", "settings": "ok"})


@pytest.mark.parametrize(("path", "count"), [("", 5), ("ready/", 1)])
def test_a_probe_costs_few_statements(probe, path, count):
    gateway.settle()
    with CaptureQueriesContext(connection) as queries:
        probe(ADDRESS + path)
    assert len(queries) == count


def test_it_is_not_kept_and_only_read(probe, client):
    response = client.get(ADDRESS)
    assert "no-store" in response["Cache-Control"]
    assert "sessionid" not in response.cookies
    assert client.post(ADDRESS).status_code == 405


def test_a_shop_that_does_not_include_it_has_no_such_address(shop, client):
    with pytest.raises(NoReverseMatch):
        reverse("voucher_health")
    assert client.get("/vouchers/health/").status_code == 404


def test_no_secret_number_or_name_is_told(probe, unknown, client, gateway_settings):
    gateway_settings(CLIENT_SECRET="")
    text = client.get(ADDRESS).content.decode()
    assert [secret for secret in (CODE, "A-1001", "20.00", "local-shop", "CLIENT") if secret in text] == []
    assert not any(letter.isdigit() for letter in text)


def test_every_word_is_on_its_page():
    documented = {
        words(cells[0])[0]: words(cells[1])
        for cells in rows(section(page("how-to/watch-the-gateway.md"), "What it says"))
    }
    assert documented.keys() == CHECKS.keys()
    for name, (_, without) in CHECKS.items():
        assert documented[name][0] == "ok"
        assert without in documented[name]
