"""What sales know of people is erased on request: at once, or with the delivery that still needs it."""

from datetime import timedelta
from importlib import import_module

import pytest
from django.core import mail
from django.utils import timezone

from voucher_payment_gateway import gateway
from voucher_payment_gateway.cases import CASES, RECENT
from voucher_payment_gateway.exceptions import PaymentStateError, WrongStateError
from voucher_payment_gateway.gateway.records.people import erasure_of
from voucher_payment_gateway.gateway.records.sales import change_sale
from voucher_payment_gateway.gateway.verbs import hand_over as hand_over_module
from voucher_payment_gateway.models import VoucherSale
from voucher_payment_gateway.selling.sold_list import sold_lines

ADA = {"recipient_email": "ada@example.org", "recipient_name": "Ada", "message": "For your birthday"}


def people():
    sale = VoucherSale.objects.get(end_reason__in=["", "returned"])
    return [getattr(sale, name) for name in (*ADA, "reason")]


erase_people_module = import_module("voucher_payment_gateway.gateway.verbs.erase_people")
KNOWN, NONE = [*ADA.values(), ""], [""] * 4


def soon():
    return timezone.now() + timedelta(days=1)


def test_after_the_delivery_people_are_erased_at_once_and_stay_so(seller):
    seller.sell(**ADA)
    assert gateway.erase_people(seller.order) == []
    gateway.activate(seller.order)
    (line,) = sold_lines(seller.order)
    assert (people(), line.text[:7], len(mail.outbox)) == (NONE, "Sent on", 1)


@pytest.mark.parametrize("step", ["issue", "sell"])
def test_a_delivery_that_waits_is_made_as_it_was_bought_and_people_are_erased_with_it(seller, step):
    """The shop has erased its own lines meanwhile, and an event comes again."""
    seller.details(deliver_at=soon(), **ADA)
    getattr(seller, step)()
    assert [sale.order_number for sale in gateway.erase_people(seller.order)] == ["A-1001"]
    seller.sell(recipient_email="", deliver_at=soon())
    assert (people(), mail.outbox) == (KNOWN, [])
    seller.later(days=2)
    assert gateway.settle().delivered == 1
    assert (mail.outbox[0].to, "For your birthday" in mail.outbox[0].body) == (["ada@example.org"], True)
    assert people() == NONE
    assert gateway.erase_people(seller.order) == []


def test_a_delivery_that_is_noted_in_the_same_moment_is_erased_too(seller, monkeypatch):
    deliver = hand_over_module.deliver_now

    def asked_meanwhile(sale, secret, **more):
        deliver(sale, secret, **more)
        gateway.erase_people(seller.order)

    monkeypatch.setattr(hand_over_module, "deliver_now", asked_meanwhile)
    seller.sell(**ADA)
    assert (people(), len(mail.outbox)) == (NONE, 1)


def test_a_delivery_that_is_noted_once_the_request_has_read_the_sale_is_erased_too(seller, monkeypatch):
    sale = seller.sell(deliver_at=soon(), **ADA)

    def delivered_meanwhile(read):
        if VoucherSale.objects.get().delivered_at is None:
            change_sale(VoucherSale.objects.get(), delivered_at=timezone.now())
        return erasure_of(read)

    monkeypatch.setattr(erase_people_module, "erasure_of", delivered_meanwhile)
    assert (gateway.erase_people(sale), people()) == ([], NONE)


@pytest.mark.parametrize("delete", [False, True])
def test_a_sale_that_ends_without_a_delivery_keeps_no_people(seller, delete):
    seller.details(deliver_at=soon(), **ADA)
    seller.issue()
    assert len(gateway.erase_people(seller.order)) == 1
    gateway.take_back(seller.order, actor="mia", reason="Ada did not want it")
    if delete:
        seller.order.delete()
    gateway.settle()
    assert people() == NONE


def test_a_voucher_on_a_page_needs_no_people_to_be_taken(seller):
    sale = seller.sell(**{**ADA, "recipient_email": ""})
    assert gateway.erase_people(sale) == []
    gateway.activate(seller.order)
    assert people() == NONE
    (line,) = sold_lines(seller.order)
    assert (line.state, bool(line.link)) == ("ready", True)


def test_what_a_clerk_sends_again_is_not_kept(seller):
    sale = seller.sell(**ADA)
    gateway.erase_people(sale)
    with pytest.raises(WrongStateError, match="has no recipient"):
        gateway.resend(sale, actor="mia")
    gateway.resend(sale, actor="mia", reason="Grace asked", recipient_email="grace@example.org")
    assert (people(), mail.outbox[1].to) == (NONE, ["grace@example.org"])


def test_without_a_request_people_stay(seller):
    seller.sell(**ADA)
    assert people() == KNOWN


def test_an_erasure_makes_no_old_failure_a_case_for_staff_again(seller):
    seller.sell(**ADA)
    long_ago = timezone.now() - RECENT - timedelta(days=1)
    VoucherSale.objects.update(status="failed", updated_at=long_ago)
    gateway.erase_people(seller.order)
    assert people() == NONE
    assert not CASES["sales"](timezone.now()).exists()
    assert VoucherSale.objects.get().updated_at == long_ago


def test_an_order_that_sold_nothing_and_what_is_none(seller):
    other = seller.shop.order("10.00", number="B-1")
    assert gateway.erase_people(other) == []
    with pytest.raises(PaymentStateError, match="give a stored VoucherSale"):
        gateway.erase_people(VoucherSale())
