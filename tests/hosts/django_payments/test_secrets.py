"""A code is cash: it is in no session, address, log, row, ``repr`` or answer."""

import logging
from decimal import Decimal

import pytest
from django.apps import apps
from django.http import QueryDict
from django.views.debug import ExceptionReporter
from payments import PaymentError, RedirectNeeded

from voucher_payment_gateway.hosts.django_payments import VoucherProvider, provider
from voucher_payment_gateway.hosts.django_payments.form import VoucherEntryForm

CODE, PIN = "CANARY-CODE-1234", "CANARYPIN77"


def kept():
    """Return all that the database holds."""
    return " ".join(
        repr(row) for model in apps.get_models(include_auto_created=True) for row in model.objects.values()
    )


@pytest.fixture
def logged(caplog):
    """Log everything, with every attribute of a record."""
    caplog.set_level(logging.DEBUG)
    return lambda: " ".join(f"{record.getMessage()} {vars(record)}" for record in caplog.records)


@pytest.mark.parametrize("debug", [True, False], ids=["DEBUG on", "DEBUG off"])
@pytest.mark.parametrize("way", ["enter", "post"])
def test_a_code_leaves_no_trace(shop, settings, logged, way, debug):
    settings.DEBUG = debug
    shop.voucher("20.00", code=CODE, pin=PIN)
    payment = shop.payment("20.00", customer_ip_address="203.0.113.7")
    found = []
    for code, pin in [
        (CODE, ""),
        (CODE, PIN[:-1]),
        (f"{CODE}\x00", PIN),
        ("", PIN),
        (CODE * 40, PIN),
        (CODE, PIN),
    ]:
        answer = getattr(shop, way)(payment, code=code, pin=pin)
        found.append(
            f"{answer.serialize_headers()} {answer.text} {answer.cookies} {dict(shop.client.session)}"
        )
    assert shop.row(payment) == ("preauth", Decimal("0.00"))
    assert shop.staff(payment, "capture").status_code == 200
    payment.refresh_from_db()
    found += [kept(), logged(), repr(payment), str(payment), payment.extra_data]
    assert len(logged()) > 100
    assert [text[max(0, text.find("CANARY") - 90) :][:150] for text in found if "CANARY" in text] == []


@pytest.mark.parametrize("moment", ["enter_voucher", "gateway"])
def test_an_error_report_shows_no_code(shop, rf, monkeypatch, moment):
    """Of the frames of the host and of this package; the shop's own view is hidden by Django's decorator."""

    def fail(*arguments, **_):
        raise RuntimeError("a mistake of the shop")

    monkeypatch.setattr(provider, moment, fail if moment == "enter_voucher" else object())
    shop.voucher("20.00", code=CODE, pin=PIN)
    payment = shop.payment("20.00")
    data = QueryDict(f"code={CODE}&pin={PIN}&other=kept")
    with pytest.raises((RuntimeError, AttributeError)) as failed:
        payment.get_form(data=data)
    frames = failed.tb.tb_next  # those of the shop are its own
    report = ExceptionReporter(rf.get("/"), failed.type, failed.value, frames)
    text = report.get_traceback_text() + report.get_traceback_html() + repr(data)
    assert "get_form" in text
    assert "CANARY" not in text
    assert data["other"] == "kept"


def test_the_form_shows_no_code(shop):
    form = VoucherEntryForm({"code": CODE, "pin": PIN})
    assert form.is_valid()
    assert "CANARY" not in repr(form)
    assert repr(form.take()) == "<hidden>"
    assert "CANARY" not in f"{form.as_p()} {form.data} {vars(form)}"


def test_the_error_of_a_verb_holds_no_code(shop):
    shop.voucher("20.00", code=CODE, pin=PIN)
    payment = shop.payment("20.00")
    shop.enter(payment, code=CODE, pin=PIN)
    shop.cloud.faults.next("after:drop", path="*/charge")
    payment.refresh_from_db()
    with pytest.raises(PaymentError) as failed:
        payment.capture()
    assert "CANARY" not in f"{failed.value!r} {vars(failed.value)} {failed.value.__cause__!r}"


def test_the_provider_is_stateless(shop):
    """The host keeps one instance for all threads of a process."""
    one = VoucherProvider(capture=False)
    before = dict(vars(one))
    shop.voucher("20.00", code=CODE)
    one.get_form(shop.payment("20.00"), None)
    with pytest.raises(RedirectNeeded):
        one.get_form(shop.payment("20.00"), {"code": CODE, "pin": ""})
    assert vars(one) == before
