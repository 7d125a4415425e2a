"""``voucher_import``: vouchers sold before become known; nothing is changed at the Voucher Cloud."""

import io

import pytest
from django.core.management import CommandError, call_command

from voucher_payment_gateway import gateway
from voucher_payment_gateway.models import VoucherSale
from voucher_payment_gateway.sealing import fingerprint


@pytest.fixture
def run(tmp_path):
    def run(*lines, header="voucher_id,code,order_number,recipient_email"):
        given, printed = tmp_path / "in.csv", io.StringIO()
        given.write_text("\n".join([header, *lines]) + "\n", encoding="utf-8")
        call_command("voucher_import", "--csv", str(given), "--by", "clerk", stdout=printed)
        return printed.getvalue()

    return run


def test_a_voucher_sold_before_is_known_without_its_code(shop, run):
    voucher = shop.voucher("20.00")
    shop.calls()
    assert "1 of 1" in run(f"{voucher.id},{voucher.code},ALT-7,ada@example.org")
    assert [method for method, _ in shop.calls()] == ["GET"]
    sale = VoucherSale.objects.get()
    assert (sale.status, str(sale.amount), sale.order_number, sale.origin) == (
        "active",
        "20.00",
        "ALT-7",
        "imported",
    )
    assert (sale.code_hint, sale.code_fingerprint, sale.sealed_code) == (
        "ABCD",
        fingerprint(voucher.code),
        "",
    )


def test_a_second_run_changes_nothing(shop, run):
    voucher = shop.voucher("20.00")
    run(f"{voucher.id},,,")
    shop.calls()
    run(f"{voucher.id},,,")
    assert (shop.calls(), VoucherSale.objects.count()) == ([], 1)


def test_an_inactive_voucher_waits_for_no_payment_of_an_order(shop, run):
    voucher = shop.voucher("20.00", status="inactive")
    run(f"{voucher.id},,,")
    shop.later(days=365)
    gateway.settle()
    stored = shop.cloud.store.state.vouchers[voucher.id]
    assert (stored.status, stored.deleted, VoucherSale.objects.get().status) == ("inactive", False, "issued")


def test_an_unknown_voucher_is_told_and_the_others_are_imported(shop, run):
    voucher = shop.voucher("20.00")
    with pytest.raises(CommandError, match="nowhere: the Voucher Cloud has no such voucher"):
        run("nowhere,,,", f"{voucher.id},,,")
    assert VoucherSale.objects.get().voucher_id == voucher.id


def test_a_code_of_another_voucher_is_told_and_the_others_are_imported(shop, run):
    """By that code, the other voucher's money would be put on this one."""
    first, second = shop.voucher("20.00"), shop.voucher("30.00", code="GIFT-3000-WXYZ")
    third = shop.voucher("40.00", code="GIFT-4000-EFGH")
    with pytest.raises(CommandError, match=f"{first.id}: its code is another one than that in the") as told:
        run(f"{first.id},{third.code},,", f"{second.id},{second.code},,")
    assert (told.value.returncode, third.code in str(told.value)) == (1, False)
    assert [sale.voucher_id for sale in VoucherSale.objects.all()] == [second.id]
    with pytest.raises(CommandError, match=f"{second.id}: its code is another one"):  # known by now
        run(f"{second.id},{first.code},,")


def test_a_code_that_cannot_be_compared_is_told_and_the_voucher_is_imported_without(shop, run):
    voucher = shop.voucher("20.00")
    shop.cloud.faults.next("before:403", method="GET", path="/v1/vouchers/*")
    with pytest.raises(CommandError, match=r"which needs the right read-secrets \(it is imported without"):
        run(f"{voucher.id},{voucher.code},,")
    assert not VoucherSale.objects.exists()
    run(f"{voucher.id},,,")
    assert VoucherSale.objects.get().code_fingerprint == ""


@pytest.mark.parametrize(
    ("line", "told"),
    [
        (",,,", "voucher_id"),
        ("v1,,,nobody", "line 2"),
        ("v1,,,\nv1,,,", "line 3: voucher_id: stands in line 2 too"),
        ("v1,GIFT-1,,\nv2,GIFT-1,,", "line 3: code: stands in line 2 too"),
        ("v1,,," + "x" * 300, "line 2"),
        ("v1,," + "9" * 60 + ",", "line 2: number"),
    ],
)
def test_a_broken_line_is_named_and_nothing_is_imported(shop, run, line, told):
    voucher = shop.voucher("20.00")
    if line == ",,,":
        line = ",x,,"
    with pytest.raises(CommandError, match=told) as error:
        run(line, f"{voucher.id},,,")
    assert (error.value.returncode, VoucherSale.objects.exists()) == (2, False)
    assert "GIFT-1" not in str(error.value)
