"""A code that waits for its day is handed over only where its voucher is valid then."""

import logging
from datetime import timedelta

import pytest
from django.core import mail
from django.utils import timezone

from tests.gateway.conftest import SignalRecorder
from voucher_payment_gateway import gateway
from voucher_payment_gateway.exceptions import WrongStateError
from voucher_payment_gateway.models import VoucherSale
from voucher_payment_gateway.sealing import unseal


def deactivated(seller, sale):
    seller.cloud.set_status(sale.voucher_id, "inactive")


def deleted(seller, sale):
    seller.cloud.set_status(sale.voucher_id, "inactive")
    seller.cloud.store.state.vouchers[sale.voucher_id].deleted = True


def expired(seller, sale):
    seller.cloud.store.state.vouchers[sale.voucher_id].valid_until = timezone.now()


CHANGES = {"voucher_inactive": deactivated, "voucher_gone": deleted, "voucher_expired": expired}


@pytest.fixture
def planned(seller):
    return seller.sell(deliver_at=timezone.now() + timedelta(days=3))


@pytest.mark.parametrize("reason", CHANGES)
def test_one_that_is_not_valid_any_more_is_not_mailed_and_told_once(seller, planned, caplog, reason):
    code = seller.code(planned)
    seller.later(days=3, minutes=1)
    CHANGES[reason](seller, planned)
    with SignalRecorder("voucher_needs_review") as told:
        assert gateway.settle().delivered == 0
        for _ in range(2):
            seller.later(days=1, minutes=1)
            gateway.settle()
    sale = VoucherSale.objects.get()
    assert (mail.outbox, sale.delivered_at, sale.delivery_error) == ([], None, reason)
    assert unseal(sale.sealed_code).code.reveal() == code
    assert told == [sale.amount]
    errors = [each.getMessage() for each in caplog.records if each.levelno == logging.ERROR]
    assert [text for text in errors if "not delivered" in text] == [
        f"order A-1001: the code of a sold gift voucher was not delivered: {reason}"
    ]
    assert code not in caplog.text


def test_one_that_is_made_valid_again_is_mailed(seller, planned):
    deactivated(seller, planned)
    seller.later(days=3, minutes=1)
    gateway.settle()
    seller.cloud.set_status(planned.voucher_id, "active")
    seller.later(days=1, minutes=1)
    assert gateway.settle().delivered == 1
    assert len(mail.outbox) == 1


def test_one_that_was_extended_there_is_mailed(seller):
    days = {"validity_value": 5, "validity_interval": "days"}
    sale = seller.sell(deliver_at=timezone.now() + timedelta(days=10), **days)
    until = timezone.now() + timedelta(days=30)
    seller.cloud.store.state.vouchers[sale.voucher_id].valid_until = until
    seller.later(days=10, minutes=1)
    assert gateway.settle().delivered == 1
    sale.refresh_from_db()
    assert abs(sale.valid_until - until) < timedelta(seconds=1)


@pytest.mark.parametrize("fault", ["before:503", "before:drop", "before:403", "after:garbage"])
def test_a_read_that_fails_loses_no_mail(seller, planned, fault):
    seller.later(days=3, minutes=1)
    seller.cloud.faults.next(fault, method="GET", times=None)
    assert gateway.settle().delivered == 0
    sale = VoucherSale.objects.get()
    assert (mail.outbox, sale.delivery_attempts, bool(sale.delivery_error)) == ([], 1, True)
    assert sale.deliver_due_at - timezone.now() < timedelta(hours=1, minutes=1)
    seller.cloud.faults.clear()
    seller.later(hours=2)
    assert gateway.settle().delivered == 1
    assert len(mail.outbox) == 1


@pytest.mark.parametrize("reason", ["voucher_inactive", "voucher_expired"])
def test_nor_is_it_sent_again_by_a_clerk(seller, planned, reason):
    CHANGES[reason](seller, planned)
    with pytest.raises(WrongStateError, match="Nothing was sent") as refused:
        gateway.resend(planned, actor="mia")
    assert (refused.value.code, mail.outbox) == (reason, [])
