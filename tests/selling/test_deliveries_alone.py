"""Codes and reminders sent by a process of their own: nothing else of a sweep is done, and no mail twice."""

import io
from datetime import timedelta

import pytest
from django.core import mail
from django.core.management import CommandError, call_command
from django.db import transaction
from django.db.transaction import TransactionManagementError
from django.utils import timezone

from tests.gateway.test_simultaneous_calls import at_once
from voucher_payment_gateway import gateway
from voucher_payment_gateway.exceptions import OutcomeUnknownError, UnavailableError
from voucher_payment_gateway.gateway.recovery.settle import deliver_due, remind_due
from voucher_payment_gateway.models import VoucherGatewayState, VoucherOperation, VoucherSale

LONG_AGO = timedelta(minutes=5)


def deliveries(*arguments):
    printed = io.StringIO()
    call_command("voucher_settle", "--deliveries", *arguments, stdout=printed)
    return printed.getvalue()


def leave_a_delivery_due(seller, number):
    seller.order = seller.shop.order("50.00", number=number, note="a=50.00")
    seller.sell(deliver_at=timezone.now() + timedelta(days=1))
    VoucherSale.objects.filter(delivered_at=None).update(deliver_due_at=timezone.now() - LONG_AGO)


@pytest.fixture
def due(seller):
    """A code and a reminder that are due, and an unknown charge that is due too."""
    seller.settings(REMIND_DAYS=14)
    seller.details(validity_value=10, validity_interval="days")
    seller.sell()
    leave_a_delivery_due(seller, "A-1002")
    seller.shop.voucher("20.00")
    paid = seller.shop.order("20.00", number="A-1003")
    gateway.authorize(paid, "GIFT-2000-ABCD")
    seller.cloud.faults.next("after:drop", path="*/charge")
    with pytest.raises(OutcomeUnknownError):
        gateway.capture(paid)
    VoucherOperation.objects.filter(state="unknown").update(due_at=timezone.now() - LONG_AGO)
    mail.outbox.clear()
    return seller


def test_codes_and_reminders_are_sent_and_nothing_else_is_done(due):
    assert deliveries() == "delivered 1, reminded 1\n"
    assert len(mail.outbox) == 2
    assert VoucherOperation.objects.filter(state="unknown").count() == 1
    report = gateway.settle()
    assert (report.delivered, report.reminded, report.found) == (0, 0, 1)


def test_a_limit_counts_for_each_sort_and_the_next_run_goes_on(due):
    leave_a_delivery_due(due, "A-1004")
    assert [deliver_due(1), remind_due(1)] == [1, 1]
    assert deliveries("--limit", "1") == "delivered 1, reminded 0\n"
    assert len(mail.outbox) == 3


def test_processes_at_once_send_each_mail_once(due):
    reports = at_once(deliver_due, deliver_due, remind_due, remind_due)
    assert sum(reports) == 2
    assert len(mail.outbox) == 2


def test_once_it_is_to_stop_no_mail_is_begun(due):
    assert [deliver_due(stop=lambda: True), remind_due(stop=lambda: True)] == [0, 0]
    assert mail.outbox == []


@pytest.mark.parametrize("sweep", [deliver_due, remind_due])
def test_in_a_copied_database_no_mail_is_sent(due, sweep):
    VoucherGatewayState.objects.update_or_create(name="instance", defaults={"value": "production"})
    due.settings(INSTANCE="staging")
    with pytest.raises(UnavailableError):
        sweep()
    assert mail.outbox == []


@pytest.mark.parametrize("sweep", [deliver_due, remind_due])
def test_inside_of_a_transaction_no_mail_is_sent(due, sweep):
    with transaction.atomic(), pytest.raises(TransactionManagementError):
        sweep()
    assert mail.outbox == []


@pytest.mark.parametrize("sweep", [deliver_due, remind_due])
@pytest.mark.parametrize("limit", [0, True, "1"])
def test_a_limit_that_makes_no_sense_is_refused(due, sweep, limit):
    with pytest.raises(ValueError, match="limit: give a whole number from 1"):
        sweep(limit)


def test_deliveries_and_adopting_exclude_each_other(db):
    with pytest.raises(CommandError, match=r"not allowed with|--adopt"):
        deliveries("--adopt")
