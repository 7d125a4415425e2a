"""The doctor tells what is well and what is not, changes nothing and shows no secret."""

import json
from contextlib import suppress
from dataclasses import asdict
from datetime import timedelta

import jsonschema_rs
import pytest
from cryptography.fernet import Fernet
from django.core.management import CommandError, call_command
from django.db import OperationalError, connection
from django.utils import timezone

from tests.docs.pages import ROOT
from tests.management import caches as test_caches
from tests.management.caches import use_cache
from voucher_payment_gateway import gateway
from voucher_payment_gateway.exceptions import VoucherGatewayError
from voucher_payment_gateway.management.doctor import examine
from voucher_payment_gateway.management.doctor.report import age
from voucher_payment_gateway.models import VoucherGatewayState, VoucherOperation, VoucherPayment

pytestmark = pytest.mark.usefixtures("development")

SECRETS = ("local-shop-secret", "7Ck0bqLoWiTBSC5VbTEWIlIYv8ubAgdV3tqzJtsGqpk=", "canary")


@pytest.fixture
def lasting_commits(shop):
    """The tests do not wait for the disk."""
    if connection.vendor == "sqlite":
        with connection.cursor() as cursor:
            cursor.execute("PRAGMA synchronous = FULL")
    yield
    connection.close()


def test_a_shop_that_is_well_gets_one_line_per_check(shop, lasting_commits, capsys):
    call_command("voucher_doctor")
    lines = capsys.readouterr().out.splitlines()
    assert [line.split(":")[0] for line in lines] == [
        f"ok         {check}"
        for check in (
            "settings",
            "address",
            "clocks",
            "credentials",
            *(
                f"right {scope}"
                for scope in ("read", "read-lists", "use", "read-secrets", "manage", "update", "recharge")
            ),
            "cache",
            "database",
            "operations",
            "manual operations",
            "sealing keys",
        )
    ]


def contents(cloud):
    """All that the local Voucher Cloud keeps, access tokens left out."""
    kept = asdict(cloud.store.state)
    return {name: value for name, value in kept.items() if name != "tokens"}


def test_looking_changes_nothing(shop, found):
    voucher = shop.voucher("20.00")
    gateway.authorize(shop.order("5.00"), voucher.code)
    before, cached = contents(shop.cloud), dict(test_caches.STORE)
    shop.calls()
    found()
    assert contents(shop.cloud) == before
    assert cached == test_caches.STORE
    assert not any(voucher.id in path for _, path in shop.calls())


def test_the_document_says_the_same_to_programs(shop, lasting_commits, gateway_settings, capsys):
    gateway_settings(CLIENT_SECRET="wrong")
    with pytest.raises(CommandError, match="1 of 9 checks found trouble") as caught:
        call_command("voucher_doctor", "--json")
    assert caught.value.returncode == 1
    document = json.loads(capsys.readouterr().out)
    assert document["trouble"] is True
    assert [each["check"] for each in document["checks"] if each["state"] == "trouble"] == ["credentials"]


def test_the_document_has_the_shape_of_its_schema(shop, gateway_settings, capsys):
    schema = json.loads((ROOT / "docs/reference/doctor.schema.json").read_text())
    right = jsonschema_rs.validator_for(schema, validate_formats=True)
    shop.voucher("20.00")
    order = shop.order("20.00")
    gateway.authorize(order, "GIFT-2000-ABCD")
    shop.cloud.faults.next("after:drop", path="*/charge")
    with suppress(VoucherGatewayError):
        gateway.capture(order)
    gateway.settle()
    VoucherOperation.objects.filter(kind="charge").update(state="unknown")
    call_command("voucher_doctor", "--json")
    document = json.loads(capsys.readouterr().out)
    right.validate(document)
    facts = document["facts"]
    assert (document.keys(), facts.keys()) == tuple(
        each["properties"].keys() for each in (schema, schema["properties"]["facts"])
    )
    counts = (facts["open"], facts["unknown"], facts["manual"], facts["unpaid"], facts["differences"])
    assert (facts["settle"], facts["sweep_age_seconds"] < 60, counts) == ("ok", True, (1, 1, 0, 0, 0))
    gateway_settings(CAPTURE="later")
    with pytest.raises(CommandError) as caught:
        call_command("voucher_doctor", "--json")
    document = json.loads(capsys.readouterr().out)
    right.validate(document)
    assert (caught.value.returncode, set(document["facts"].values())) == (1, {None})


def test_a_warning_is_no_trouble(shop, settings, capsys):
    use_cache(settings, "django.core.cache.backends.locmem.LocMemCache")
    call_command("voucher_doctor", "--json")
    document = json.loads(capsys.readouterr().out)
    assert document["trouble"] is False
    assert "warning" in {each["state"] for each in document["checks"]}


@pytest.mark.parametrize(
    "trouble",
    [{}, {"CLIENT_SECRET": "canary"}, {"SEALING_KEYS": ["canary"]}, {"CLIENT_SECRET": lambda: 1 / 0}],
)
def test_no_secret_is_shown(shop, gateway_settings, settings, capsys, trouble):
    gateway_settings(**trouble)
    use_cache(settings, "BrokenCache")
    with pytest.raises(CommandError):
        call_command("voucher_doctor", "--json")
    printed = "".join(capsys.readouterr())
    shown = [*SECRETS, *shop.cloud.store.state.tokens]
    assert [secret for secret in shown if secret in printed] == []


# settings


def test_a_mistake_in_the_settings_is_told_and_stops_the_rest(found, gateway_settings, voucher_cloud):
    gateway_settings(ENVIRONMENT="live", CAPTURE="later")
    reports = list(examine())
    assert [finding.state for finding in reports] == ["trouble", "trouble", "not known"]
    assert reports[0].text.startswith("E003: VOUCHER_PAYMENT_GATEWAY: ENVIRONMENT")
    assert voucher_cloud.requests == []


def test_a_mistake_that_the_connection_survives_does_not_stop_the_rest(found, gateway_settings):
    gateway_settings(CHECKOUT_ORDER="tests.shop.checkout.nothing")
    reports = found()
    assert reports["settings"][0] == "trouble"
    assert reports["credentials"][0] == "ok"


def test_a_silenced_check_is_silent(found, settings, gateway_settings):
    gateway_settings(REFUND_GRACE_SECONDS=60)
    settings.SILENCED_SYSTEM_CHECKS = ["voucher_payment_gateway.W017"]
    assert found()["settings"] == ("ok", "all checks passed")


@pytest.mark.parametrize("debug", [False, True])
def test_in_production_the_checks_for_it_are_told(found, settings, gateway_settings, debug, capsys):
    settings.DEBUG = debug
    settings.SILENCED_SYSTEM_CHECKS = ["voucher_payment_gateway.W019"]
    with suppress(CommandError):
        call_command("voucher_doctor")
    told = capsys.readouterr().out
    assert ("E028:" in told, "W033:" in told) == (not debug, not debug)


# cache


@pytest.mark.parametrize(
    ("backend", "state", "sentence"),
    [
        ("SharedCache", "ok", "atomic"),
        ("CarelessCache", "warning", "not atomic"),
        ("ForgetfulCache", "trouble", "does not give back"),
        ("BrokenCache", "trouble", "ConnectionError"),
        ("django.core.cache.backends.dummy.DummyCache", "warning", "keeps nothing"),
        ("django.core.cache.backends.locmem.LocMemCache", "warning", "one per process"),
    ],
)
def test_each_kind_of_cache_is_told(found, settings, backend, state, sentence):
    use_cache(settings, backend)
    reported, text = found()["cache"]
    assert (reported, sentence in text) == (state, True)


def test_a_cache_of_files_is_told(found, settings, tmp_path):
    use_cache(settings, "django.core.cache.backends.filebased.FileBasedCache", LOCATION=str(tmp_path))
    assert found()["cache"][0] == "warning"


def test_a_cache_without_sealing_keys_shares_no_token(found, gateway_settings):
    gateway_settings(SEALING_KEYS=[])
    assert "no access token is shared" in found()["cache"][1]


# database and operations


def test_a_database_without_partial_indexes_is_trouble(found, monkeypatch):
    monkeypatch.setattr(connection.features, "supports_partial_indexes", False)
    reports = found()
    assert reports["database"][0] == "trouble"
    assert reports["database"][1].startswith("E022")
    assert "operations" not in reports


def test_a_missing_guard_is_named(found):
    with connection.cursor() as cursor:
        cursor.execute("DROP INDEX vpg_operation_one_open_per_voucher")
    state, text = found()["database"]
    assert state == "trouble"
    assert "vpg_operation_one_open_per_voucher" in text


def test_missing_tables_are_told(found, monkeypatch):
    monkeypatch.setattr(connection.introspection, "table_names", lambda cursor: [])
    assert "run migrate" in found()["database"][1]


def test_a_database_that_does_not_answer_is_told(found, monkeypatch):
    def fail(*_):
        raise OperationalError("canary")

    monkeypatch.setattr(connection.introspection, "table_names", fail)
    assert found()["database"] == ("trouble", "'default' cannot be used (OperationalError)")


@pytest.mark.parametrize(
    ("wanted", "stored", "state", "text"),
    [
        ("production", "production", "ok", "the database is that of 'production'"),
        ("production", "", "ok", "stored in it by the next voucher_settle"),
        ("staging", "production", "trouble", "then run voucher_settle --adopt. Nothing is sent"),
        ("", "production", "trouble", "Set it to that name where this is that installation"),
    ],
)
def test_whose_database_it_is_is_told(found, gateway_settings, wanted, stored, state, text):
    gateway_settings(INSTANCE=wanted)
    if stored:
        VoucherGatewayState.objects.create(name="instance", value=stored)
    reported, sentence = found()["instance"]
    assert (reported, text in sentence) == (state, True)
    assert VoucherGatewayState.objects.count() == bool(stored)


def test_without_a_name_there_is_nothing_to_tell_of_the_instance(found):
    assert "instance" not in found()


def test_a_copied_database_makes_the_doctor_fail(shop, lasting_commits, gateway_settings):
    gateway_settings(INSTANCE="staging")
    VoucherGatewayState.objects.create(name="instance", value="production")
    with pytest.raises(CommandError, match="1 of 17 checks found trouble"):
        call_command("voucher_doctor")


def operation(state, number=1, minutes=0, **fields):
    payment = VoucherPayment.objects.create(
        order_number="A-1", currency="EUR", code_hint="ABCD", code_fingerprint=f"f{number}", status="failed"
    )
    made = VoucherOperation.objects.create(
        payment=payment,
        order_number="A-1",
        number=number,
        voucher_id=f"v{number}",
        kind="charge",
        amount="1.00",
        currency="EUR",
        state=state,
        **fields,
    )
    VoucherOperation.objects.filter(pk=made.pk).update(created_at=timezone.now() - timedelta(minutes=minutes))


def test_an_unknown_operation_that_settle_looks_after_is_a_warning_with_its_age(found):
    operation("unknown", minutes=125, due_at=timezone.now())
    state, text = found()["operations"]
    assert state == "warning"
    assert text.startswith("1 open, the oldest for 2 hours with an unknown outcome")


@pytest.mark.parametrize("state", ["due", "unknown", "sending"])
def test_operations_that_nobody_looks_after_are_trouble(found, state):
    since = timezone.now() - timedelta(minutes=16)
    operation(state, minutes=16, **{"sending_at" if state == "sending" else "due_at": since})
    reported, text = found()["operations"]
    assert (reported, "run voucher_settle" in text) == ("trouble", True)


def test_an_operation_under_way_is_fine(found):
    operation("sending", sending_at=timezone.now())
    assert found()["operations"][0] == "ok"


def test_a_manual_operation_waits_for_a_person(found):
    operation("manual", minutes=3 * 24 * 60)
    assert found()["manual operations"] == (
        "warning",
        "1 open, the oldest for 3 days: a person has to decide",
    )


@pytest.mark.parametrize(
    ("seconds", "sentence"),
    [(-1, "0 seconds"), (1, "1 second"), (90, "1 minute"), (7200, "2 hours"), (86400, "1 day")],
)
def test_an_age_is_told_in_its_largest_unit(seconds, sentence):
    assert age(timedelta(seconds=seconds)) == sentence


# sealing keys


def test_stored_codes_that_no_key_opens_are_trouble(found, gateway_settings, shop):
    gateway.select(shop.order(), "GIFT-2000-ABCD")
    assert found()["sealing keys"][1].endswith("1 stored codes can be opened")
    old = "7Ck0bqLoWiTBSC5VbTEWIlIYv8ubAgdV3tqzJtsGqpk="
    gateway_settings(SEALING_KEYS=[Fernet.generate_key().decode(), old])
    assert found()["sealing keys"][0] == "ok"
    gateway_settings(SEALING_KEYS=[Fernet.generate_key().decode()])
    state, text = found()["sealing keys"]
    assert (state, text.startswith("1 of 1 stored codes")) == ("trouble", True)


def test_codes_of_sold_vouchers_that_no_key_opens_are_trouble_too(found, gateway_settings, shop):
    """They are paid, and wait for their delivery."""
    order = shop.order()
    gateway.select(order, "GIFT-2000-ABCD")
    gateway.credit(order, "5.00", key="return-1")
    assert found()["sealing keys"][1].endswith("2 stored codes can be opened")
    gateway_settings(SEALING_KEYS=[Fernet.generate_key().decode()])
    state, text = found()["sealing keys"]
    assert (state, text.startswith("2 of 2 stored codes")) == ("trouble", True)


def test_codes_that_cannot_be_read_leave_it_open(found, monkeypatch):
    def fail():
        raise OperationalError("canary")

    monkeypatch.setattr("voucher_payment_gateway.management.doctor.local._stored_codes", fail)
    assert found()["sealing keys"] == ("not known", "the stored codes cannot be read")


def test_no_sealing_key_is_a_warning(found, gateway_settings):
    gateway_settings(SEALING_KEYS=[])
    assert found()["sealing keys"][0] == "warning"
