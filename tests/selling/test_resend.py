"""``resend``: a clerk hands the code of a sold voucher over again, and a failure changes nothing."""

import inspect
import logging
from datetime import timedelta

import pytest
from asgiref.sync import async_to_sync
from django.core import mail
from django.utils import timezone
from django.utils.translation import override

from tests.log_records import logged
from voucher_payment_gateway import gateway
from voucher_payment_gateway.delivery.links import page_path
from voucher_payment_gateway.exceptions import (
    CredentialsError,
    PaymentStateError,
    UnavailableError,
    VoucherGatewayError,
    WrongStateError,
)
from voucher_payment_gateway.models import VoucherOperation, VoucherSale
from voucher_payment_gateway.signals import voucher_activated


def row():
    """All that is stored of the sale, but for its version."""
    (found,) = VoucherSale.objects.values()
    return {name: value for name, value in found.items() if name not in ("version", "updated_at")}


def test_the_mail_is_sent_again(seller, caplog):
    caplog.set_level(logging.INFO, "voucher_payment_gateway")
    sale = seller.sell()
    answered = gateway.resend(sale, actor="clerk", reason="lost it")
    first, second = mail.outbox
    assert seller.code(sale) in second.body
    assert second.to == ["ada@example.org"]
    assert first.extra_headers["Message-ID"] != second.extra_headers["Message-ID"]
    sale.refresh_from_db()
    assert (sale.actor, sale.reason, sale.sealed_code) == ("clerk", "lost it", "")
    assert answered.pk == sale.pk
    (record,) = [each for each in caplog.records if each.levelno == logging.INFO]
    assert record.getMessage().endswith("handed over again by clerk")
    for unlogged in ("lost it", seller.code(sale)):  # a reason may contain anything
        assert unlogged not in logged(caplog)
    assert VoucherOperation.objects.filter(kind="issue").count() == 1


def test_to_another_address(seller):
    sale = seller.sell()
    gateway.resend(sale, actor="clerk", recipient_email="grace@example.org")
    assert mail.outbox[1].to == ["grace@example.org"]
    sale.refresh_from_db()
    assert sale.recipient_email == "grace@example.org"


def test_the_page_shows_the_code_again_until_that_is_confirmed(seller, client):
    sale = seller.sell(recipient_email="")
    address = page_path(sale)
    client.post(f"{address}seen/")
    gateway.resend(sale, actor="clerk")
    assert seller.code(sale) in client.get(address).content.decode()
    client.post(f"{address}seen/")
    assert seller.code(sale) not in client.get(address).content.decode()
    assert mail.outbox == []


def test_a_voucher_on_a_page_is_mailed_to_a_new_recipient(seller, client):
    sale = seller.sell(recipient_email="")
    gateway.resend(sale, actor="clerk", recipient_email="grace@example.org")
    assert mail.outbox[0].to == ["grace@example.org"]
    assert client.get(page_path(sale)).status_code == 404
    gateway.settle()
    assert len(mail.outbox) == 1


def test_one_that_waits_for_its_day_is_sent_now_and_not_again(seller):
    sale = seller.sell(deliver_at=timezone.now() + timedelta(days=3))
    gateway.resend(sale, actor="clerk")
    seller.later(days=4)
    gateway.settle()
    sale.refresh_from_db()
    assert (len(mail.outbox), sale.sealed_code) == (1, "")


def test_the_signal_is_sent_again(seller):
    got = []

    def receive(code, **_):
        got.append(str(code))

    seller.settings(VOUCHER_DELIVERY="signal")
    voucher_activated.connect(receive)
    try:
        sale = seller.sell()
        gateway.resend(sale, actor="clerk")
    finally:
        voucher_activated.disconnect(receive)
    assert got == [seller.code(sale)] * 2
    with pytest.raises(UnavailableError) as refused:
        gateway.resend(sale, actor="clerk")
    assert refused.value.code == "not_delivered"


@pytest.mark.parametrize("status", ["taken_back", "failed", "issued", "ordered"])
def test_one_that_is_not_valid_is_refused(seller, status):
    sale = seller.sell()
    VoucherSale.objects.update(status=status)
    before = row()
    with override("de"), pytest.raises(WrongStateError) as refused:
        gateway.resend(sale, actor="clerk")
    assert f"the gift voucher is {status.replace('_', ' ')}: " in str(refused.value)
    assert (refused.value.code, row(), len(mail.outbox)) == ("sale_not_active", before, 1)


def test_one_that_is_taken_back_just_now_is_refused(seller):
    sale = seller.sell()
    VoucherSale.objects.update(target="taken_back")
    with pytest.raises(WrongStateError):
        gateway.resend(sale, actor="clerk")


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        ({"actor": " "}, "actor_missing"),
        ({"actor": "clerk", "recipient_email": "no address"}, "recipient_malformed"),
        ({"actor": "clerk", "recipient_email": "a@example.org\nBcc: b@example.org"}, "recipient_malformed"),
        ({"actor": "clerk", "recipient_email": ""}, "recipient_malformed"),
    ],
)
def test_wrong_arguments_send_nothing(seller, arguments, code):
    sale, before = seller.sell(), row()
    with pytest.raises(PaymentStateError) as refused:
        gateway.resend(sale, **arguments)
    assert (refused.value.code, row(), len(mail.outbox)) == (code, before, 1)


def test_one_that_was_not_handed_over_is_mailed_to_the_recipient_that_it_has(seller):
    """An imported one, of which the customer lost the card."""
    sale = seller.sell()
    VoucherSale.objects.update(delivery="none", recipient_email="kim@example.org")
    sent = gateway.resend(sale, actor="clerk")
    assert (sent.delivery, mail.outbox[-1].to) == ("mail", ["kim@example.org"])
    assert seller.code(sale) in mail.outbox[-1].body


def test_one_without_any_recipient_needs_one(seller):
    sale = seller.sell()
    VoucherSale.objects.update(delivery="none", recipient_email="")
    with pytest.raises(WrongStateError) as refused:
        gateway.resend(sale, actor="clerk")
    assert refused.value.code == "no_recipient"


@pytest.mark.parametrize("planned", [None, timedelta(days=3)])
def test_a_mail_server_that_fails_changes_nothing(seller, smtp, planned):
    sale = seller.sell(deliver_at=planned and timezone.now() + planned)
    before = row()
    smtp.behaviour = "refuse recipient"
    with pytest.raises(UnavailableError, match="was not sent: SMTPRecipientsRefused") as refused:
        gateway.resend(sale, actor="clerk", reason="lost", recipient_email="grace@example.org")
    assert refused.value.code == "not_delivered"
    assert "canary" not in str(refused.value)
    assert row() == before


def test_a_client_without_the_right_changes_nothing(seller):
    sale, before = seller.sell(), row()
    seller.cloud.faults.next("before:403", path="*/complete")
    with pytest.raises(VoucherGatewayError) as refused:
        gateway.resend(sale, actor="clerk")
    assert isinstance(refused.value, CredentialsError | UnavailableError)
    assert (row(), len(mail.outbox)) == (before, 1)


def test_a_voucher_that_is_not_there_any_more(seller):
    sale, before = seller.sell(), row()
    seller.cloud.store.state.vouchers[sale.voucher_id].deleted = True
    with pytest.raises(WrongStateError) as refused:
        gateway.resend(sale, actor="clerk")
    assert (refused.value.code, row()) == ("voucher_gone", before)


def test_a_copy_of_the_database_sends_nothing(seller):
    sale = seller.sell()
    seller.settings(INSTANCE="live")
    gateway.settle()
    seller.settings(INSTANCE="staging")
    with pytest.raises(UnavailableError) as refused:
        gateway.resend(sale, actor="clerk")
    assert refused.value.code == "other_instance"


def test_the_async_twin(seller):
    sale = seller.sell()
    assert inspect.signature(gateway.resend).parameters["actor"].default is inspect.Parameter.empty
    async_to_sync(gateway.aresend)(sale, actor="clerk")
    assert len(mail.outbox) == 2
