"""A sale that is not delivered yet follows what the shop changes: to whom, when, with which words."""

from datetime import timedelta

import pytest
from django.core import mail
from django.utils import timezone

from voucher_payment_gateway import gateway
from voucher_payment_gateway.gateway.verbs import hand_over as hand_over_module
from voucher_payment_gateway.gateway.verbs.hand_over import LEASE, hand_over
from voucher_payment_gateway.models import VoucherSale

TOMORROW = timedelta(days=1)


def soon():
    return timezone.now() + TOMORROW


def test_a_corrected_recipient_gets_the_mail(seller):
    seller.issue()
    sale = seller.sell(
        recipient_email="grace@example.org", recipient_name="Grace", message="Hi", language="de"
    )
    (message,) = mail.outbox
    assert message.to == ["grace@example.org"]
    assert "Hallo Grace," in message.body
    assert (sale.recipient_name, sale.message, sale.language) == ("Grace", "Hi", "de")


@pytest.mark.parametrize("verb", ["issue", "activate"])
def test_every_selling_verb_corrects_an_active_sale_that_is_not_delivered(seller, verb):
    seller.sell(deliver_at=soon())
    seller.details(recipient_email="grace@example.org", deliver_at=soon())
    getattr(gateway, verb)(seller.order)
    seller.later(days=2)
    assert gateway.settle().delivered == 1
    assert mail.outbox[0].to == ["grace@example.org"]


def test_a_delivery_can_be_moved_both_ways(seller):
    seller.sell(deliver_at=soon())
    sale = seller.sell(deliver_at=soon() + TOMORROW)
    seller.later(days=1, hours=1)
    assert gateway.settle().delivered == 0
    seller.details()
    gateway.activate(seller.order)
    assert gateway.settle().delivered == 1
    sale.refresh_from_db()
    assert sale.delivered_at


def test_after_the_delivery_nothing_is_corrected(seller):
    seller.sell()
    sale = seller.sell(recipient_email="grace@example.org", message="too late")
    gateway.settle()
    assert (sale.recipient_email, sale.message) == ("ada@example.org", "")
    assert len(mail.outbox) == 1


def test_a_sale_taken_back_is_not_corrected(seller):
    seller.sell(deliver_at=soon())
    gateway.take_back(seller.order)
    seller.sell(recipient_email="grace@example.org")
    seller.later(days=2)
    gateway.settle()
    assert VoucherSale.objects.get().recipient_email == "ada@example.org"
    assert mail.outbox == []


def test_a_recipient_who_was_refused_is_corrected_and_gets_the_mail_soon(seller, smtp):
    smtp.behaviour = "refuse recipient"
    seller.sell()
    seller.later(hours=2)
    gateway.settle()  # the next attempt would be in an hour
    smtp.behaviour = "accept"
    seller.sell(recipient_email="grace@example.org")
    seller.later(minutes=6)
    assert gateway.settle().delivered == 1
    assert smtp.recipients == ["grace@example.org"]


def test_a_voucher_without_recipient_is_mailed_once_it_has_one(seller):
    sale = seller.sell(recipient_email="")
    assert (sale.delivery, sale.deliver_due_at, mail.outbox) == ("page", None, [])
    sale = seller.sell(recipient_email="grace@example.org")
    assert sale.delivery == "mail"
    assert gateway.settle().delivered == 1
    assert mail.outbox[0].to == ["grace@example.org"]


def test_a_mail_that_has_no_recipient_any_more_becomes_a_page(seller):
    seller.sell(deliver_at=soon())
    sale = seller.sell(recipient_email="")
    assert (sale.delivery, sale.deliver_due_at) == ("page", None)
    seller.later(days=2)
    assert gateway.settle().delivered == 0


def test_a_correction_during_the_delivery_sends_no_second_mail(seller, monkeypatch):
    """The mail is on its way to the old address: that is what is noted."""
    sale = seller.sell(deliver_at=soon())
    seller.later(days=2)
    send = hand_over_module.send_voucher

    def corrected_meanwhile(*arguments, **options):
        seller.sell(recipient_email="grace@example.org", deliver_at=None)
        assert gateway.settle().delivered == 0
        send(*arguments, **options)

    monkeypatch.setattr(hand_over_module, "send_voucher", corrected_meanwhile)
    assert hand_over(VoucherSale.objects.get())
    sale.refresh_from_db()
    assert sale.recipient_email == "ada@example.org"
    seller.later(seconds=LEASE.total_seconds() + 60)
    assert gateway.settle().delivered == 0
    assert [message.to for message in mail.outbox] == [["ada@example.org"]]
