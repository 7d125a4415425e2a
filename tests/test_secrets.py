"""Canaries: codes, PINs, tokens and secrets are found in no database, log, error, repr or page."""

import logging
import pickle
import traceback
from copy import deepcopy

import pytest
from django.core.management import call_command
from django.db import connection

from tests.log_records import logged
from voucher_payment_gateway import conf, exceptions, gateway
from voucher_payment_gateway.exceptions import VoucherGatewayError
from voucher_payment_gateway.models import VoucherPayment
from voucher_payment_gateway.sealing import Secret, fingerprint, fingerprints, hint, seal, unseal

CODE, PIN = "CANARY-CODE-73105", "CANARY-PIN-8842"
CANARIES = ("CANARY-CODE", CODE[:-4], PIN, "local-shop-secret", "Bearer")


def rows(table):
    with connection.cursor() as cursor:
        cursor.execute(f'SELECT * FROM "{table}"')
        return cursor.fetchall()


def test_nothing_secret_reaches_logs_database_or_errors(shop, caplog, figures):
    caplog.set_level(logging.DEBUG)
    for name in ("httpx", "httpcore", "voucher_payment_gateway", "django"):
        caplog.set_level(logging.DEBUG, logger=name)
    shop.voucher("20.00", code=CODE, pin=PIN)
    order = shop.order("50.00")
    seen = []

    def attempt(action):
        try:
            seen.append(repr(action()))
        except VoucherGatewayError as error:
            seen.append("".join(traceback.format_exception(error)))

    attempt(lambda: gateway.authorize(order, CODE, pin="wrong"))
    attempt(lambda: gateway.select(order, CODE, pin=PIN))
    attempt(lambda: gateway.authorize_selected(order))
    shop.cloud.faults.next("after:drop", method="POST", path="*/charge")
    attempt(lambda: gateway.capture(order))
    attempt(lambda: gateway.settle())
    attempt(lambda: gateway.cancel(order))
    everything = (
        "".join(seen) + logged(caplog) + "".join(map(str, map(rows, connection.introspection.table_names())))
    )
    assert "POST" in caplog.text
    leaks = [canary for canary in CANARIES if canary in everything]
    figures("secret canaries", texts_searched=len(seen) + 2, found=len(leaks))
    assert leaks == []


def test_a_secret_is_sealed_and_opened_again_after_a_rotation(gateway_settings):
    old, new = "7Ck0bqLoWiTBSC5VbTEWIlIYv8ubAgdV3tqzJtsGqpk=", "2EyyOeDGMTcN7cvqHnvLEnpGbVoIuBqFDOUyIGdL9Zs="
    gateway_settings(SEALING_KEYS=[old])
    sealed, known_as = seal(Secret(CODE, PIN)), fingerprint(CODE)
    assert CODE not in sealed
    gateway_settings(SEALING_KEYS=[new, old])
    assert unseal(sealed) == Secret(CODE, PIN)
    assert known_as in fingerprints(CODE)
    assert fingerprint(CODE) != known_as
    gateway_settings(SEALING_KEYS=[new])
    assert unseal(sealed) is None


def test_a_payment_made_under_an_old_key_is_known_again(shop, gateway_settings, settings):
    shop.voucher("20.00", code=CODE)
    order = shop.order("50.00")
    first = gateway.select(order, CODE)
    keys = settings.VOUCHER_PAYMENT_GATEWAY["SEALING_KEYS"]
    gateway_settings(SEALING_KEYS=["2EyyOeDGMTcN7cvqHnvLEnpGbVoIuBqFDOUyIGdL9Zs=", *keys])
    assert gateway.select(order, CODE) == first


@pytest.mark.parametrize(
    ("code", "expected"), [("GIFT-ABCD", "ABCD"), ("ABCDEF", "DEF"), ("AB", "B"), ("A", ""), ("", "")]
)
def test_people_see_the_last_four_and_never_more_than_half(code, expected):
    assert hint(code) == expected


def test_a_secret_has_no_repr():
    assert CODE not in repr(Secret(CODE, PIN))
    assert PIN not in repr(Secret(CODE, PIN))


def test_what_a_customer_typed_and_the_settings_are_refused_by_pickle(gateway_settings):
    secret = Secret(CODE, PIN)
    for held in (secret, conf.gateway_settings()):
        with pytest.raises(TypeError, match="holds a secret"):
            pickle.dumps(held)
    assert deepcopy(secret) == secret
    assert conf.gateway_settings().model_copy(update={"CAPTURE": "immediate"}).CAPTURE == "immediate"
    assert conf.gateway_settings().CAPTURE == "manual"


@pytest.mark.parametrize("name", exceptions.__all__)
def test_every_error_survives_pickle_and_says_what_happened_to_the_money(name):
    error = getattr(exceptions, name)("order A-1: no.", api_code="VOUCHER.NOT_FOUND", http_status=404)
    copy = pickle.loads(pickle.dumps(error))
    assert (type(copy), str(copy), vars(copy)) == (type(error), str(error), vars(error))
    assert error.money_moved in ("no", "maybe")
    assert (error.money_moved == "maybe") == (name == "OutcomeUnknownError")


def test_the_admin_shows_the_story_and_no_secret(shop, client, django_user_model):
    django_user_model.objects.create_superuser("admin", password="admin")
    client.login(username="admin", password="admin")
    shop.voucher("20.00", code=CODE, pin=PIN)
    order = shop.order("50.00")
    payment = gateway.authorize(order, CODE, pin=PIN)
    address = "/admin/voucher_payment_gateway/voucherpayment/"
    pages = [client.get(path).content.decode() for path in (address, f"{address}{payment.pk}/change/")]
    assert "reserve" in pages[1]
    sealed = VoucherPayment.objects.get().sealed_code
    for canary in (*CANARIES[:3], sealed, payment.code_fingerprint):
        assert canary not in "".join(pages)
    assert client.get(f"{address}add/").status_code == 403
    assert client.post(f"{address}{payment.pk}/delete/", {"post": "yes"}).status_code == 403
    assert client.post(f"{address}{payment.pk}/change/", {"status": "captured"}).status_code == 403


def test_commands_run(shop, capsys):
    call_command("voucher_settle")
    assert "sent 0" in capsys.readouterr().out
