"""A mail that cannot be sent is tried again, shown and logged; nothing is lost and nothing secret is told."""

import logging
from datetime import timedelta
from typing import ClassVar

import pytest
from django.utils import timezone

from tests.selling.conftest import use_mail_backend
from tests.shop import sold
from voucher_payment_gateway import gateway
from voucher_payment_gateway.delivery import mail
from voucher_payment_gateway.gateway.recovery import settle
from voucher_payment_gateway.gateway.verbs import hand_over
from voucher_payment_gateway.gateway.verbs.hand_over import LEASE
from voucher_payment_gateway.models import VoucherSale
from voucher_payment_gateway.sealing import unseal


def is_kept(seller, sale):
    secret = unseal(VoucherSale.objects.get(pk=sale.pk).sealed_code)
    return secret is not None and secret.code.reveal() == seller.code(sale)


def test_a_mail_goes_over_a_real_connection(seller, smtp):
    sale = seller.sell(recipient_name="Jürgen", message="Schöne Grüße", language="de")
    (message,) = smtp.received
    text = message.get_body(("plain",)).get_content()
    assert smtp.recipients == ["ada@example.org"]
    assert seller.code(sale) in text
    assert "Schöne Grüße" in text
    assert "Sie haben einen Gutschein erhalten" in message.get_body(("html",)).get_content()
    assert message["Subject"] == "Ihr Gutschein über 50,00 €"


@pytest.mark.parametrize(
    ("behaviour", "error"),
    [
        ("refuse", "SMTPConnectError"),
        ("refuse recipient", "SMTPRecipientsRefused"),
        ("close after DATA", "SMTPServerDisconnected"),
    ],
)
def test_a_mail_server_that_fails_is_tried_again(seller, smtp, caplog, behaviour, error):
    smtp.behaviour = behaviour
    sale = seller.sell()
    assert (sale.delivered_at, sale.delivery_attempts, sale.delivery_error) == (None, 1, error)
    assert is_kept(seller, sale)
    assert sale.pending
    (record,) = [each for each in caplog.records if each.levelno == logging.ERROR]
    assert record.getMessage() == f"order A-1001: the code of a sold gift voucher was not delivered: {error}"
    assert "canary-of-the-server" not in caplog.text
    assert "secret-host" not in caplog.text
    assert seller.code(sale) not in caplog.text

    assert gateway.settle().delivered == 0  # not before its time
    seller.later(minutes=1)
    assert gateway.settle().delivered == 0
    sale.refresh_from_db()
    assert sale.delivery_attempts == 2
    assert sale.deliver_due_at - sale.updated_at > timedelta(seconds=55)  # 30 at first

    smtp.behaviour = "accept"
    seller.later(hours=1)
    assert gateway.settle().delivered == 1
    sale.refresh_from_db()
    assert (sale.delivery_error, sale.sealed_code, sale.pending) == ("", "", False)
    assert seller.code(sale) in smtp.received[-1].get_body(("plain",)).get_content()


def test_a_mail_that_is_repeated_has_the_same_id_so_servers_drop_the_duplicate(seller, smtp):
    smtp.behaviour = "close after DATA"
    seller.sell()
    smtp.behaviour = "accept"
    seller.later(minutes=1)
    gateway.settle()
    first, second = (message["Message-ID"] for message in smtp.received)
    assert first == second


def test_no_mail_server_at_all(seller, smtp, settings):
    smtp.shutdown()
    smtp.server_close()
    sale = seller.sell()
    assert (sale.delivery_error, is_kept(seller, sale)) == ("ConnectionRefusedError", True)


def test_a_template_of_the_shop_that_raises_loses_nothing(seller, smtp, templates_of_the_shop, caplog):
    templates_of_the_shop("mail/voucher_mail.html", "{% no_such_tag code %}")
    sale = seller.sell()
    assert (sale.delivery_error, is_kept(seller, sale)) == ("TemplateSyntaxError", True)
    assert smtp.received == []
    assert seller.code(sale) not in caplog.text
    templates_of_the_shop("mail/voucher_mail.html", "{{ code }}")
    seller.later(minutes=1)
    assert gateway.settle().delivered == 1


def test_the_same_failure_is_an_error_once_and_a_warning_then(seller, smtp, caplog):
    smtp.behaviour = "refuse"
    seller.sell()
    seller.later(minutes=1)
    gateway.settle()
    smtp.behaviour = "refuse recipient"
    seller.later(hours=1)
    gateway.settle()
    levels = [each.levelname for each in caplog.records if "not delivered" in each.getMessage()]
    assert levels == ["ERROR", "WARNING", "ERROR"]


def test_one_recipient_who_is_refused_keeps_no_other_waiting(seller, smtp):
    smtp.behaviour = "refuse recipient"
    seller.sell()
    smtp.behaviour = "accept"
    seller.order = seller.shop.order("50.00", number="A-2", note="b=50.00")
    sale = seller.sell()
    assert sale.delivered_at


def test_a_backend_that_says_it_sent_nothing_has_not_delivered(seller, settings):
    use_mail_backend(settings, "tests.selling.test_mail_failures.SilentBackend")
    sale = seller.sell()
    assert (sale.delivery_error, is_kept(seller, sale)) == ("MailNotSentError", True)


class SilentBackend:
    """Fails silently, as Django's backends do where a shop asks them to."""

    def __init__(self, *_, **__):
        pass

    def send_messages(self, messages):
        return 0


def test_a_crash_after_the_sending_repeats_the_mail_with_its_id_and_loses_nothing(seller, settings):
    use_mail_backend(settings, "tests.selling.test_mail_failures.CrashingBackend")
    CrashingBackend.sent.clear()
    with pytest.raises(SystemExit):
        seller.sell()
    sale = VoucherSale.objects.get()
    assert (sale.delivered_at, is_kept(seller, sale)) == (None, True)
    assert gateway.settle().delivered == 0  # leased
    seller.later(seconds=LEASE.total_seconds() + 1)
    assert gateway.settle().delivered == 1
    first, second = CrashingBackend.sent
    assert first.extra_headers["Message-ID"] == second.extra_headers["Message-ID"]
    seller.later(days=1)
    assert gateway.settle().delivered == 0


class CrashingBackend:
    """Its process is stopped just after the first mail was sent."""

    sent: ClassVar = []

    def __init__(self, *_, **__):
        pass

    def send_messages(self, messages):
        self.sent.extend(messages)
        if len(self.sent) == 1:
            raise SystemExit
        return len(messages)


def test_a_sale_without_any_recipient_is_not_delivered(seller):
    sale = seller.issue()
    VoucherSale.objects.filter(pk=sale.pk).update(recipient_email="", delivery="mail")
    seller.details(recipient_email="")
    assert seller.sell().delivery_error == "no_recipient"


def test_a_mail_server_that_says_nothing_is_given_up(seller, smtp, settings, monkeypatch):
    """Without a timeout of the shop's own, ours ends the wait before the lease of the delivery ends."""
    monkeypatch.setattr(mail, "TIMEOUT_SECONDS", 0.2)
    smtp.behaviour = "say nothing"
    sale = seller.sell()
    assert sale.delivery_error in ("TimeoutError", "SMTPServerDisconnected")
    assert is_kept(seller, sale)


def test_after_a_slow_failure_the_next_mails_are_left_to_settle(seller, smtp, monkeypatch):
    monkeypatch.setattr(mail, "TIMEOUT_SECONDS", 0.2)
    monkeypatch.setattr(hand_over, "SLOW_SECONDS", 0.1)
    smtp.behaviour = "say nothing"
    seller.sell()
    smtp.behaviour = "accept"
    seller.order = seller.shop.order("50.00", number="A-2", note="b=50.00")
    sale = seller.sell()
    assert (sale.delivered_at, sale.delivery_attempts) == (None, 0)
    assert gateway.settle().delivered == 1
    sale.refresh_from_db()
    assert sale.delivered_at


def test_settle_spends_a_minute_on_mails_and_goes_on_in_the_next_run(seller, smtp, monkeypatch):
    seller.order.note = "a=10.00 b=10.00 c=10.00"
    for key in "abc":
        sold.DETAILS[key] = {"deliver_at": timezone.now() + timedelta(days=1)}
    seller.order.save()
    gateway.activate(seller.order)
    seller.later(days=2)
    monkeypatch.setattr(settle, "MAIL_SECONDS", 0.0)
    assert [gateway.settle().delivered for _ in range(2)] == [0, 0]
    monkeypatch.setattr(settle, "MAIL_SECONDS", 60.0)
    assert gateway.settle().delivered == 3
