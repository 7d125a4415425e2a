"""The rows of the books: each booking once, with what accountants need of it, and never a code."""

import csv
import io
import json
from datetime import timedelta
from decimal import Decimal as D

import pytest
from django.utils import timezone

from tests.books.month import period
from voucher_payment_gateway import gateway
from voucher_payment_gateway.books import ledger
from voucher_payment_gateway.books.files import csv_lines
from voucher_payment_gateway.books.ledger import booking_rows
from voucher_payment_gateway.books.rows import COLUMNS
from voucher_payment_gateway.exceptions import OutcomeUnknownError, UnavailableError
from voucher_payment_gateway.models import VoucherOperation, VoucherSale


def rows(**options):
    now = timezone.now()
    return list(booking_rows(now - timedelta(days=60), now + timedelta(days=1), **options))


def told(row):
    return row.kind, row.amount, row.vat_kind, row.vat_rate, row.order_number


@pytest.fixture
def sale(seller):
    """A multi-purpose voucher of 50.00, which an order has sold."""
    return gateway.activate(seller.order("50.00", number="S-1", note="multi=50.00"))[0]


def spend(shop, sale, amount="20.00", number="A-1"):
    order = shop.order(amount, number=number)
    gateway.authorize(order, shop.cloud.voucher(sale.voucher_id).code)
    gateway.capture(order, actor="till")
    return order


def test_each_booking_of_a_voucher_is_one_row(seller, sale):
    order = spend(seller, sale)
    gateway.refund(order, "5.00", actor="mia")
    gateway.top_up(sale, "10.00", key="bonus")
    found = rows()
    multi = ("multi_purpose", None)
    assert [told(row) for row in found] == [
        ("sale", D("50.00"), *multi, "S-1"),
        ("charge", D("20.00"), *multi, "A-1"),
        ("refund", D("5.00"), *multi, "A-1"),
        ("recharge", D("10.00"), *multi, "S-1"),
    ]
    assert {row.voucher_id for row in found} == {sale.voucher_id}
    assert {(row.origin, row.batch) for row in found} == {("sold", "spring")}
    assert [row.actor for row in found] == ["", "till", "mia", ""]
    assert sum(row.change for row in found) == seller.cloud.balance(sale.voucher_id) == D("45.00")
    booked = {row.id for row in seller.cloud.bookings(sale.voucher_id)}
    assert {row.remote_id for row in found[1:]} == booked


def test_the_rate_of_a_single_purpose_voucher_is_told_at_its_sale_and_at_its_charge(seller):
    (sale,) = gateway.activate(seller.order("50.00", number="S-1", note="reduced=50.00"))
    spend(seller, sale)
    assert [(row.vat_kind, row.vat_rate) for row in rows()] == [("single_purpose", D("7.00"))] * 2


def test_a_voucher_of_another_seller_has_no_origin(seller):
    seller.voucher("20.00", taxable=False)
    order = seller.order("20.00")
    gateway.authorize(order, "GIFT-2000-ABCD")
    gateway.capture(order)
    (row,) = rows()
    assert (row.kind, row.origin, row.batch, row.vat_kind) == ("charge", "", "", "multi_purpose")


def test_a_voucher_is_taken_back_with_all_that_is_on_it(seller, sale):
    gateway.top_up(sale, "10.00", key="bonus")
    seller.later(hours=1)
    with pytest.raises(UnavailableError, match="no reservation that was made earlier"):
        gateway.take_back(VoucherSale.objects.get())
    seller.later(minutes=37)
    gateway.settle()
    assert rows()[-1].kind == "take_back"
    assert rows()[-1].amount == D("60.00")
    assert sum(row.change for row in rows()) == 0


def test_a_voucher_that_was_never_active_is_none(seller):
    order = seller.order("50.00", note="multi=50.00")
    gateway.issue(order)
    gateway.take_back(order)
    assert VoucherSale.objects.get().status == "taken_back"
    assert rows() == []


def test_what_went_back_as_a_recharge_or_a_new_voucher_counts_once(seller, sale, gateway_settings):
    gateway_settings(REFUND_FALLBACK=["recharge", "new_voucher"])
    order = spend(seller, sale)
    seller.cloud.faults.next("before:422", method="POST", path="*/refund", times=9)
    gateway.refund(order, "5.00")
    assert [row.kind for row in rows()] == ["sale", "charge", "refund"]
    seller.cloud.faults.next("before:422", method="POST", path="*/vouchers/recharge", times=9)
    gateway.refund(order, "6.00")
    last = rows()[-1]
    assert (last.kind, last.origin, last.amount) == ("sale", "refund", D("6.00"))
    assert last.voucher_id != sale.voucher_id


def test_an_operation_that_is_open_or_was_refused_is_no_row(seller, sale):
    seller.cloud.faults.next("after:drop", method="POST", path="*/charge")
    order = seller.order("20.00", number="A-1")
    gateway.authorize(order, seller.cloud.voucher(sale.voucher_id).code)
    with pytest.raises(OutcomeUnknownError):
        gateway.capture(order)
    assert [row.kind for row in rows()] == ["sale"]


def test_a_period_has_its_first_instant_and_not_its_last(seller, sale):
    at = VoucherOperation.objects.get(kind="activate").settled_at
    second = timedelta(seconds=1)
    assert len(list(booking_rows(at, at + second))) == 1
    assert list(booking_rows(at - second, at)) == []


def test_rows_of_one_instant_are_read_once_whatever_the_chunk(seller, sale, monkeypatch):
    for number in range(5):
        gateway.top_up(sale, "1.00", key=f"bonus {number}")
    VoucherOperation.objects.update(settled_at=timezone.now())
    for chunk in (1, 2, 3, 6, 7):
        monkeypatch.setattr(ledger, "CHUNK", chunk)
        monkeypatch.setattr(ledger.row_chunk, "__defaults__", (ledger.START, chunk))
        assert len({row.operation for row in rows()}) == len(rows()) == 6


def test_the_file_has_no_code_and_no_formula(seller, sale, run):
    order = spend(seller, sale, number="=1+1")
    gateway.refund(order, "5.00", actor="@mia")
    since, _ = period()
    printed, _, _ = run("voucher_bookings", "--since", since, "--until", timezone.now())
    first, *lines = csv.reader(io.StringIO(printed))
    assert tuple(first) == COLUMNS
    table = [dict(zip(COLUMNS, line, strict=True)) for line in lines]
    assert [row["order_number"] for row in table] == ["S-1", "'=1+1", "'=1+1"]
    assert [row["actor"] for row in table] == ["", "till", "'@mia"]
    assert [(row["amount"], row["balance"]) for row in table] == [
        ("50.00", "raises"), ("20.00", "lowers"), ("5.00", "raises")
    ]  # fmt: skip
    code = seller.cloud.voucher(sale.voucher_id).code
    assert code not in printed
    json_text, _, _ = run(
        "voucher_bookings", "--since", since, "--until", timezone.now(), "--format", "jsonl"
    )
    documents = [json.loads(line) for line in json_text.splitlines()]
    assert [row["amount"] for row in documents] == ["50.00", "20.00", "5.00"]
    assert documents[1]["order_number"] == "=1+1"
    assert code not in json_text


def test_no_code_is_even_read(seller, sale, django_assert_max_num_queries):
    spend(seller, sale)
    with django_assert_max_num_queries(3) as captured:
        list(csv_lines(rows()))
    assert not any("sealed_code" in query["sql"] for query in captured.captured_queries)


def test_a_file_is_whole_and_for_its_owner_alone(seller, sale, run, tmp_path):
    target = tmp_path / "bookings.csv"
    since, _ = period()
    run("voucher_bookings", "--since", since, "--until", timezone.now(), "--file", target)
    assert target.read_bytes().count(b"\r\n") == 2
    assert target.stat().st_mode & 0o777 == 0o600
    _, told, code = run(
        "voucher_bookings", "--since", since, "--until", timezone.now(), "--file", tmp_path / "no" / "x"
    )
    assert (code, "No file was written" in told) == (2, True)


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--since", "2026-01-01"], "Give both"),
        (["--since", "2026-02-01", "--until", "2026-01-01"], "must be later"),
        (["--account", "south"], "'south' is none of ''"),
    ],
)
def test_wrong_options_are_told_and_nothing_is_written(seller, run, arguments, sentence):
    printed, told, code = run("voucher_bookings", *arguments)
    assert (printed, code) == ("", 2)
    assert sentence in told
