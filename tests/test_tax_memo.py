"""What a receipt can tell of the VAT: known rates alone, with the amounts as they were charged and given back."""

from decimal import Decimal

import pytest

from voucher_payment_gateway import gateway
from voucher_payment_gateway.exceptions import VoucherUnusableError
from voucher_payment_gateway.models import VoucherSale
from voucher_payment_gateway.rules.tax import TaxShare

D = Decimal


def paid(shop, **fields):
    shop.voucher("20.00", code="GIFT-2000", **fields)
    order = shop.order("50.00")
    gateway.authorize(order, "GIFT-2000")
    gateway.capture(order)
    return order


def test_a_voucher_with_vat_paid_at_its_sale_tells_its_share(shop):
    order = paid(shop, taxable=True, tax_rate="19")
    [memo] = order.voucher_tax_memos
    assert (memo.rate, memo.captured) == (19, TaxShare(D("20.00"), D("16.81"), D("3.19")))
    assert memo.kept == memo.captured
    assert order.voucher_payments.get().tax_memo == memo


def test_refunds_in_parts_take_their_share_with_them(shop):
    order = paid(shop, taxable=True, tax_rate="19")
    seen = []
    for amount in ("6.66", "6.67", "6.67"):
        before = order.voucher_payments.get()
        gateway.refund(order, amount)
        memo = order.voucher_payments.get().tax_memo
        seen.append(memo.refunded - before.tax_memo.refunded)
        assert seen[-1] == memo.of_refund(D(amount), refunded_before=before.amount_refunded)
    assert [share.gross for share in seen] == [D("6.66"), D("6.67"), D("6.67")]
    assert sum(share.vat for share in seen) == D("3.19")
    assert memo.refunded == memo.captured


@pytest.mark.parametrize(
    ("taxable", "tax_rate"), [(False, None), (False, D(19)), (None, None), (None, D(19)), (True, None)]
)
def test_nothing_is_computed_where_no_vat_was_paid_or_the_rate_is_not_known(shop, taxable, tax_rate):
    order = paid(shop, taxable=True, tax_rate="19")
    order.voucher_payments.update(taxable=taxable, tax_rate=tax_rate)
    assert order.voucher_payments.get().tax_memo is None
    assert order.voucher_tax_memos == []


@pytest.mark.parametrize(
    ("taxable", "tax_rate", "share"),
    [
        (True, D("19.00"), TaxShare(D("50.00"), D("42.02"), D("7.98"))),
        (False, None, TaxShare(D("50.00"), D("50.00"), D("0.00"))),
        (False, D("19.00"), TaxShare(D("50.00"), D("50.00"), D("0.00"))),
        (True, None, None),
        (None, D("19.00"), None),
    ],
)
def test_the_sale_of_a_voucher_tells_the_vat_that_is_paid_with_it(taxable, tax_rate, share):
    sale = VoucherSale(amount=D("50.00"), currency="EUR", taxable=taxable, tax_rate=tax_rate)
    assert sale.tax_share == share


def test_a_payment_without_a_charge_stands_on_no_receipt(shop):
    shop.voucher("20.00", code="GIFT-2000", taxable=True, tax_rate="7")
    order = shop.order("50.00")
    payment = gateway.authorize(order, "GIFT-2000")
    assert order.voucher_tax_memos == []
    assert payment.tax_memo.captured.gross == 0


def test_a_shop_may_refuse_vouchers_with_vat_paid_at_their_sale(shop, gateway_settings):
    gateway_settings(TAXABLE_VOUCHERS="refuse")
    shop.voucher("20.00", code="GIFT-2000", taxable=True, tax_rate="19")
    shop.voucher("20.00", code="GIFT-3000", taxable=False)
    order = shop.order("50.00")
    with pytest.raises(VoucherUnusableError):
        gateway.authorize(order, "GIFT-2000")
    assert gateway.authorize(order, "GIFT-3000").taxable is False
