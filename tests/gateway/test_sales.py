"""Selling vouchers: issued with the order, activated once it is paid, handed over once, taken back."""

from datetime import timedelta
from decimal import Decimal
from functools import partial

import pytest
from asgiref.sync import async_to_sync
from django.core import mail
from django.db import transaction
from django.utils import timezone

from voucher_payment_gateway import gateway
from voucher_payment_gateway.exceptions import PaymentStateError, RefusedError, WrongStateError
from voucher_payment_gateway.gateway.records.voucher_ids import voucher_id_for
from voucher_payment_gateway.models import VoucherGatewayState, VoucherOperation, VoucherSale
from voucher_payment_gateway.orders import OrderAdapter


@pytest.fixture
def seller(shop, gateway_settings):
    gateway_settings(SOLD_VOUCHERS="tests.shop.sold.vouchers")
    return shop


def remote(shop, sale):
    return shop.cloud.voucher(sale.voucher_id)


def is_gone(shop, sale):
    return shop.cloud.store.state.vouchers[sale.voucher_id].deleted


def test_an_order_is_issued_activated_and_its_code_mailed_once(seller):
    order = seller.order("50.00", note="a=50.00")

    (issued,) = gateway.issue(order)
    assert (issued.status, remote(seller, issued).status) == ("issued", "inactive")
    assert mail.outbox == []

    (sold,) = gateway.activate(order)
    assert (sold.status, remote(seller, sold).status) == ("active", "active")
    assert sold.pk == issued.pk
    assert sold.delivered_at
    assert not sold.sealed_code
    (message,) = mail.outbox
    assert message.to == ["ada@example.org"]
    assert remote(seller, sold).code in message.body

    gateway.activate(order)
    gateway.issue(order)
    assert len(mail.outbox) == 1
    assert [each.kind for each in VoucherOperation.objects.all()] == ["issue", "activate"]


def test_activate_issues_what_is_not_issued_yet(seller):
    sales = gateway.activate(seller.order("70.00", note="a=50.00 b=20.00"))
    assert [(sale.key, sale.amount, sale.status) for sale in sales] == [
        ("a", Decimal("50.00"), "active"),
        ("b", Decimal("20.00"), "active"),
    ]


def test_inside_a_transaction_nothing_is_sent_before_its_commit(seller):
    order = seller.order("50.00", note="a=50.00")
    seller.calls()
    with transaction.atomic():
        (sale,) = gateway.activate(order)
        assert (sale.status, seller.calls()) == ("ordered", [])
    sale.refresh_from_db()
    assert sale.status == "active"
    assert len(mail.outbox) == 1


def test_a_transaction_that_is_rolled_back_sells_nothing(seller):
    order = seller.order("50.00", note="a=50.00")
    with pytest.raises(ZeroDivisionError), transaction.atomic():
        gateway.activate(order)
        raise ZeroDivisionError
    gateway.settle()
    assert not VoucherSale.objects.exists()
    assert mail.outbox == []


def test_an_unspent_voucher_is_taken_back(seller):
    order = seller.order("50.00", note="a=50.00")
    gateway.activate(order)
    (sale,) = gateway.take_back(order, actor="clerk", reason="returned")
    assert (sale.status, sale.end_reason) == ("taken_back", "returned")
    assert is_gone(seller, sale)
    gateway.activate(order)  # the event that comes again does not sell it again
    sale.refresh_from_db()
    assert sale.status == "taken_back"
    assert VoucherSale.objects.count() == 1


def test_a_spent_voucher_stays_valid_and_the_error_says_what_was_spent(seller):
    order = seller.order("50.00", note="a=50.00")
    (sale,) = gateway.activate(order)
    other = seller.order("20.00", number="A-2")
    gateway.authorize(other, remote(seller, sale).code)
    with pytest.raises(WrongStateError, match="pays for order A-2"):
        gateway.take_back(order)
    gateway.capture(other)
    with pytest.raises(RefusedError, match=r"20\.00 EUR .* were spent") as refused:
        gateway.take_back(order)
    sale.refresh_from_db()
    assert refused.value.code == "voucher_spent"
    assert (sale.status, sale.target, remote(seller, sale).status) == ("active", "active", "active")


def test_one_that_a_confirmed_order_counts_on_and_spends_stays_valid(seller):
    order = seller.order("50.00", note="a=50.00")
    (sale,) = gateway.activate(order)
    other = seller.order("20.00", number="A-2")
    gateway.authorize(other, remote(seller, sale).code)
    gateway.authorize_selected(other)  # confirms it
    with pytest.raises(WrongStateError, match="pays for order A-2"):
        gateway.take_back(order)
    gateway.capture(other)
    with pytest.raises(RefusedError, match=r"20\.00 EUR"):
        gateway.take_back(order)
    assert remote(seller, sale).status == "active"


def test_a_voucher_that_is_all_spent_is_not_taken_back(seller):
    order = seller.order("50.00", note="a=50.00")
    (sale,) = gateway.activate(order)
    other = seller.order("50.00", number="A-2")
    gateway.authorize(other, remote(seller, sale).code)
    gateway.capture(other)
    with pytest.raises(RefusedError, match=r"50\.00 EUR .* were spent"):
        gateway.take_back(order)
    assert remote(seller, sale).status == "active"


def test_an_expired_voucher_is_taken_back(seller):
    order = seller.order("50.00", note="a=50.00")
    (sale,) = gateway.activate(order)
    seller.cloud.store.state.vouchers[sale.voucher_id].valid_until = timezone.now() - timedelta(days=1)
    gateway.take_back(order)
    sale.refresh_from_db()
    assert (sale.status, is_gone(seller, sale)) == ("taken_back", True)


def test_a_voucher_is_not_taken_back_by_its_code_and_the_error_does_not_show_it(seller):
    voucher = seller.voucher("50.00")
    with pytest.raises(PaymentStateError, match=r"^order: ") as refused:
        gateway.take_back(voucher.code)
    assert voucher.code not in str(refused.value)
    assert seller.cloud.voucher(voucher.id).status == "active"


def test_the_async_twins_do_the_same(seller):
    order = seller.order("50.00", note="a=50.00")
    for verb, status in (
        (gateway.aissue, "issued"),
        (gateway.aactivate, "active"),
        (gateway.atake_back, "taken_back"),
    ):
        assert [sale.status for sale in async_to_sync(verb)(order)] == [status]


def test_a_sale_is_taken_back_by_what_is_stored_and_not_as_the_shop_has_read_it(seller):
    order = seller.order("50.00", note="a=50.00")
    (as_issued,) = gateway.issue(order)
    (sale,) = gateway.activate(order)
    gateway.authorize(seller.order("20.00", number="A-2"), remote(seller, sale).code)
    with pytest.raises(WrongStateError) as refused:
        gateway.take_back(as_issued)
    sale.refresh_from_db()
    assert (refused.value.code, sale.target) == ("voucher_in_use", "active")


@pytest.mark.parametrize("verb", [gateway.take_back, partial(gateway.resend, actor="clerk")])
def test_a_sale_that_is_not_stored_is_named(seller, verb):
    with pytest.raises(PaymentStateError, match="Nothing was sent") as refused:
        verb(VoucherSale(order_number="A-1"))
    assert refused.value.code == "sale_malformed"


def test_an_order_that_is_never_paid_leaves_no_voucher(seller):
    order = seller.order("50.00", note="a=50.00")
    (sale,) = gateway.issue(order)
    seller.later(days=13)
    gateway.settle()
    assert not is_gone(seller, sale)
    seller.later(days=2)
    gateway.settle()
    sale.refresh_from_db()
    assert (sale.status, sale.end_reason, is_gone(seller, sale)) == ("taken_back", "unpaid", True)

    (again,) = gateway.activate(order)  # paid after all: a new voucher
    assert again.status == "active"
    assert again.voucher_id != sale.voucher_id


def test_an_unpaid_order_is_not_activated(seller, gateway_settings):
    gateway_settings(ORDER_IS_PAID="tests.shop.sold.is_paid")
    order = seller.order("50.00", note="a=50.00")
    with pytest.raises(WrongStateError) as refused:
        gateway.activate(order)
    assert refused.value.code == "not_paid"
    assert not VoucherSale.objects.exists()
    order.status = "paid"
    assert gateway.activate(order)[0].status == "active"


def test_an_event_that_comes_again_after_the_order_was_refunded_is_no_mistake(seller, gateway_settings):
    gateway_settings(ORDER_IS_PAID="tests.shop.sold.is_paid")
    order = seller.order("50.00", note="a=50.00", status="paid")
    (sale,) = gateway.activate(order)
    order.status = "refunded"
    order.save()
    assert gateway.activate(order) == [sale]


def test_a_line_that_changed_before_the_payment_is_sold_as_it_is_paid(seller):
    order = seller.order("50.00", note="a=50.00 b=10.00")
    old = {sale.key: sale for sale in gateway.issue(order)}
    order.note = "a=30.00"
    order.save()
    (sold,) = gateway.activate(order)
    assert (sold.key, sold.amount, sold.status) == ("a", Decimal("30.00"), "active")
    for sale in old.values():
        sale.refresh_from_db()
        assert (sale.status, sale.end_reason, is_gone(seller, sale)) == ("taken_back", "replaced", True)


def test_without_sealing_keys_nothing_is_sold(seller, gateway_settings):
    gateway_settings(SEALING_KEYS=[])
    with pytest.raises(PaymentStateError, match="SEALING_KEYS"):
        gateway.issue(seller.order("50.00", note="a=50.00"))


def test_an_order_that_sells_nothing_is_left_alone(seller):
    order = seller.order("50.00")
    assert [gateway.issue(order), gateway.activate(order), gateway.take_back(order)] == [[], [], []]


def test_a_backup_that_does_not_know_the_sale_finds_its_voucher_again(seller):
    """The event comes again after the backup was put back: no second voucher."""
    VoucherGatewayState.objects.filter(name="voucher_namespace").delete()
    gateway.activate(seller.order("10.00", number="A-1", note="first=10.00"))
    order = seller.order("50.00", note="a=50.00")
    (before,) = gateway.activate(order)
    VoucherOperation.objects.filter(sale=before)._raw_delete("default")
    VoucherSale.objects.filter(pk=before.pk)._raw_delete("default")
    (again,) = gateway.activate(order)
    assert again.voucher_id == before.voucher_id
    assert again.status == "active"
    assert (
        len([each for each in seller.cloud.store.state.vouchers.values() if each.order_number == "A-1001"])
        == 1
    )


def test_another_shop_with_the_same_numbers_has_other_ids(seller):
    order = seller.order("50.00", note="a=50.00")
    (sale,) = gateway.issue(order)
    VoucherGatewayState.objects.filter(name="voucher_namespace").delete()
    assert voucher_id_for("", "A-1001", "a") != sale.voucher_id


def test_a_number_that_an_earlier_order_had_sells_nothing_of_its_own(seller, gateway_settings):
    gateway_settings(ORDER_ADAPTER="tests.gateway.test_sales.DatedAdapter")
    order = seller.order("50.00", note="a=50.00")
    gateway.activate(order)
    DatedAdapter.created = timezone.now() + timedelta(days=1)
    with pytest.raises(WrongStateError) as refused:
        gateway.activate(order)
    DatedAdapter.created = None
    assert refused.value.code == "number_reused"


def test_an_order_takes_back_no_vouchers_of_an_earlier_one_with_its_number(seller, gateway_settings):
    gateway_settings(ORDER_ADAPTER="tests.gateway.test_sales.DatedAdapter")
    order = seller.order("50.00", note="a=50.00")
    (sale,) = gateway.activate(order)
    order.note = ""
    order.save()
    DatedAdapter.created = timezone.now() + timedelta(days=1)
    taken, sold = gateway.take_back(order), gateway.issue(order)
    DatedAdapter.created = None
    sale.refresh_from_db()
    assert (taken, sold, sale.target) == ([], [], "active")


class DatedAdapter(OrderAdapter):
    created = None

    def created_at(self, order):
        return self.created


@pytest.mark.parametrize("verb", [gateway.issue, gateway.activate])
def test_inside_a_transaction_the_order_sells_what_it_has_at_the_commit(seller, verb):
    """Django's admin saves an order, and with it the status that sells, before its lines."""
    order = seller.order("50.00", note="a=50.00 b=5.00")
    with transaction.atomic():
        verb(order)
        order.note = "a=30.00 c=20.00"
        order.save()
    vouchers = [each for each in seller.cloud.store.state.vouchers.values() if not each.deleted]
    assert sorted(each.amount_cents for each in vouchers) == [2000, 3000]
    standing = {sale.key: sale.amount for sale in order.voucher_sales.standing()}
    assert standing == {"a": Decimal("30.00"), "c": Decimal("20.00")}
    assert len(mail.outbox) == (2 if verb is gateway.activate else 0)


def test_lines_that_come_after_the_status_are_sold_too(seller):
    order = seller.order("50.00")
    with transaction.atomic():
        assert gateway.activate(order) == []
        order.note = "a=50.00"
        order.save()
    assert order.voucher_sales.get().status == "active"
