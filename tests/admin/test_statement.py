"""The statement of a voucher: every booking of the Voucher Cloud, tills included, beside ours."""

import pytest
from django.utils import translation

from voucher_payment_gateway import gateway
from voucher_payment_gateway.exceptions import OutcomeUnknownError
from voucher_payment_gateway.models import VoucherOperation, VoucherPayment

CODE = "GIFT-2000-ABCD"


@pytest.fixture
def voucher(shop):
    """A voucher that paid an order here, which was returned."""
    voucher = shop.voucher("50.00")
    order = shop.order("20.00")
    gateway.authorize(order, CODE)
    gateway.capture(order)
    gateway.refund(order, key="r")
    return voucher


def shown(page):
    return [(row["kind"], row["amount"], row["comparison"]) for row in page.context["rows"]]


def test_it_shows_all_bookings_in_the_order_of_time(voucher, desk):
    page = desk().statement(voucher.id)
    assert shown(page) == [
        ("charge", "€20.00", "as in our records"),
        ("refund", "€20.00", "as in our records"),
    ]
    assert page.context["balance"] == "€50.00"
    charge = VoucherOperation.objects.get(kind="charge")
    for text in (charge.remote_id, charge.reference, "order/?number=A-1001"):
        assert text in page.text
    assert CODE not in page.text


def test_bookings_of_tills_and_other_clients_are_shown_too(shop, voucher, desk):
    till = shop.cloud.add_client(name="Till").id
    booked = shop.cloud.charge(shop.cloud.reserve(CODE, "3.00", client_id=till), "TILL-1", client_id=till)
    VoucherOperation.objects.filter(kind="refund").update(remote_id="elsewhere")
    page = desk().statement(voucher.id)
    other = "not of this shop's orders: a till, another client, or by hand"
    assert sorted(shown(page)) == [
        ("charge", "€20.00", "as in our records"),
        ("charge", "€3.00", other),
        ("refund", "€20.00", other),
        ("refund", "€20.00", "ours, but not at the Voucher Cloud"),
    ]
    assert sorted(row["tone"] for row in page.context["rows"]) == ["attention", "done", "none", "none"]
    for text in (booked.id, "TILL-1", till):
        assert text in page.text


def test_a_booking_that_differs_is_marked(shop, voucher, desk):
    VoucherOperation.objects.filter(kind="charge").update(amount="19.00")
    assert shown(desk().statement(voucher.id))[0][2] == "differs from ours"


def test_what_is_not_booked_yet_is_not_called_wrong(shop, desk):
    voucher = shop.voucher("50.00")
    order = shop.order("20.00")
    gateway.authorize(order, CODE)
    shop.cloud.faults.next("before:drop", path="*/charge")
    with pytest.raises(OutcomeUnknownError):
        gateway.capture(order)
    assert shown(desk().statement(voucher.id)) == [("charge", "€20.00", "not booked, or not yet")]


def test_a_booking_that_an_undecided_step_may_have_made_is_not_called_foreign(shop, voucher, desk):
    VoucherOperation.objects.filter(kind="refund").update(state="manual", remote_id="")
    assert [comparison for _, _, comparison in shown(desk().statement(voucher.id))] == [
        "as in our records",
        "perhaps of a step of this shop that is not decided yet",
        "not booked, or not yet",
    ]


FAULTS = {
    "before:503": "The Voucher Cloud cannot be reached just now. Please try again later.",
    "before:429": "The Voucher Cloud is asked too often just now. Please try again in a minute.",
    "before:401": "The Voucher Cloud does not let this shop read the bookings.",
    "before:403": "The Voucher Cloud does not let this shop read the bookings.",
    "before:garbage": "The Voucher Cloud gave an answer that cannot be understood. Please ask the technicians.",
}


@pytest.mark.parametrize(
    ("fault", "path"), [*((fault, "*/charges") for fault in FAULTS), ("before:503", "*/vouchers/*")]
)
def test_an_error_of_the_api_is_a_sentence_and_ours_are_shown(shop, voucher, desk, fault, path):
    shop.cloud.faults.next(fault, path=path, method="GET", times=None)
    page = desk().statement(voucher.id)
    assert page.status_code == 200
    assert page.context["statement"].problem.startswith(FAULTS[fault])
    assert [state for _, _, state in shown(page)] == ["only ours, not compared"] * 2


def test_a_voucher_that_is_not_there_is_told(shop, desk):
    page = desk().statement("nowhere")
    assert "no gift voucher with this id" in page.text
    assert "There are no bookings." in page.text


def test_an_account_without_credentials_is_told(voucher, desk):
    assert "no credentials for the account" in desk().statement(voucher.id, "elsewhere").text


def test_without_an_id_it_asks_for_one(shop, desk):
    page = desk().statement("")
    assert page.context["statement"] is None
    assert "never the code" in page.text


def test_it_needs_the_permission_to_look_at_payments(voucher, desk):
    assert desk("view_vouchersale", "view_voucherdifference").statement(voucher.id).status_code == 403
    clerk = desk("view_voucherpayment", name="eva")
    assert clerk.statement(voucher.id).status_code == 200
    payment = VoucherPayment.objects.get()
    for page in (clerk.order(), clerk.client.get(f"{clerk.FOLDER}{payment.pk}/change/")):
        assert f"/statement/?voucher={voucher.id}" in page.text


def test_nothing_is_changed_by_it(shop, voucher, desk):
    clerk = desk()
    shop.calls()
    clerk.statement(voucher.id)
    assert [method for method, _ in shop.calls()] == ["GET", "GET"]


def test_it_is_german(voucher, desk):
    with translation.override("de"):
        page = desk().statement(voucher.id)
    assert "<title>Kontoauszug eines Gutscheins" in page.text
    assert "wie in unseren Aufzeichnungen" in page.text
