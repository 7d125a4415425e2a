"""A planned delivery looks at the voucher and not at the order: the shop postpones it, or takes the voucher back."""

from dataclasses import replace
from datetime import timedelta

import pytest
from django.core import mail
from django.utils import timezone

from tests.shop import sold
from voucher_payment_gateway import gateway
from voucher_payment_gateway.models import VoucherSale

LATER = timedelta(days=365)


def vouchers(order):
    """What the order sells; while it is on hold nothing is delivered."""
    for voucher in sold.vouchers(order):
        yield replace(voucher, deliver_at=timezone.now() + LATER) if order.status == "on hold" else voucher


def is_paid(order):
    return order.status == "paid"


@pytest.fixture
def planned(seller):
    """A voucher of a paid order whose mail is planned for tomorrow."""
    seller.settings(
        SOLD_VOUCHERS=f"{__name__}.vouchers",
        ORDER_IS_PAID=f"{__name__}.is_paid",
        ON_STATUS={
            "field": "status",
            "activate": ["paid"],
            "issue": ["on hold"],
            "take_back": ["charged back"],
        },
    )
    seller.details(deliver_at=timezone.now() + timedelta(days=1))
    become(seller, "paid")
    assert VoucherSale.objects.get().status == "active"
    return seller


def become(seller, status):
    seller.order.status = status
    seller.order.save()


def test_an_order_on_hold_has_its_planned_mail_postponed_until_it_is_released(planned):
    become(planned, "on hold")
    planned.later(days=2)
    assert gateway.settle().delivered == 0
    assert mail.outbox == []
    planned.details(deliver_at=timezone.now() - timedelta(days=1))
    become(planned, "paid")
    assert gateway.settle().delivered == 1
    assert len(mail.outbox) == 1


def test_the_voucher_of_an_order_that_was_charged_back_is_not_mailed(planned):
    become(planned, "charged back")
    planned.later(days=2)
    assert gateway.settle().delivered == 0
    assert (VoucherSale.objects.get().status, mail.outbox) == ("taken_back", [])
