"""A clerk looks at sold vouchers, takes one back and sends one again: each with a permission, and once."""

from datetime import timedelta

import pytest
from django.contrib.auth.models import Permission
from django.core import mail
from django.core.mail.backends.locmem import EmailBackend
from django.db import connection
from django.utils import timezone

from tests.mail_settings import mail_settings
from voucher_payment_gateway import gateway
from voucher_payment_gateway.exceptions import OutcomeUnknownError
from voucher_payment_gateway.models import VoucherOperation, VoucherSale

LIST = "/admin/voucher_payment_gateway/vouchersale/"


@pytest.fixture
def sold(shop, gateway_settings):
    gateway_settings(SOLD_VOUCHERS="tests.shop.sold.vouchers")
    (sale,) = gateway.activate(shop.order("50.00", note="a=50.00"))
    return sale


@pytest.fixture
def clerk(client, django_user_model):
    """Give a clerk these permissions, and log in."""

    def with_permissions(*names):
        user = django_user_model.objects.create_user("mia", is_staff=True)
        user.user_permissions.set(Permission.objects.filter(codename__in=["view_vouchersale", *names]))
        client.force_login(user)
        return client

    return with_permissions


def test_the_pages_show_the_sale_and_not_its_code(clerk, shop, sold):
    client = clerk()
    page = client.get(f"{LIST}{sold.pk}/change/")
    assert client.get(LIST).status_code == 200
    for text in ("A-1001", "ada@example.org", "€50.00", "activate"):
        assert text in page.text
    assert shop.cloud.voucher(sold.voucher_id).code not in page.text
    assert "take-back" not in page.text


def test_a_clerk_takes_an_unspent_voucher_back_once(clerk, shop, sold):
    client = clerk("take_back_vouchersale")
    address = f"{LIST}{sold.pk}/take-back/"
    assert "../take-back/" in client.get(f"{LIST}{sold.pk}/change/").text
    assert "€50.00" in client.get(address).text
    form = {"reason": "returned", "seen": sold.version}
    client.post(address, form)
    sold.refresh_from_db()
    assert (sold.status, sold.actor, sold.reason) == ("taken_back", "mia", "returned")
    again = client.post(address, form, follow=True)
    assert "has changed meanwhile" in again.text


def test_a_voucher_on_which_something_is_open_is_not_called_taken_back(clerk, shop, sold):
    VoucherOperation.objects.filter(kind="activate").update(state="manual")
    page = clerk("take_back_vouchersale").post(
        f"{LIST}{sold.pk}/take-back/", {"reason": "returned", "seen": sold.version}, follow=True
    )
    assert "It is noted and not done yet" in page.text
    assert "was taken back" not in page.text


def test_a_spent_voucher_is_not_taken_back_and_the_page_says_what_was_spent(clerk, shop, sold):
    other = shop.order("20.00", number="A-2")
    gateway.authorize(other, shop.cloud.voucher(sold.voucher_id).code)
    gateway.capture(other)
    sold.refresh_from_db()
    page = clerk("take_back_vouchersale").post(
        f"{LIST}{sold.pk}/take-back/", {"reason": "returned", "seen": sold.version}, follow=True
    )
    assert "20.00 EUR" in page.text
    sold.refresh_from_db()
    assert sold.status == "active"


@pytest.mark.parametrize("slug", ["take-back", "resend"])
def test_without_the_permission_nothing_is_done(clerk, sold, slug):
    client = clerk()
    assert client.get(f"{LIST}{sold.pk}/{slug}/").status_code == 403
    assert client.post(f"{LIST}{sold.pk}/{slug}/", {"reason": "x", "seen": sold.version}).status_code == 403
    sold.refresh_from_db()
    assert sold.target == "active"


def test_a_second_click_while_the_mail_is_being_sent_sends_no_second_one(clerk, sold, settings):
    client = clerk("resend_vouchersale")
    address, form = f"{LIST}{sold.pk}/resend/", {"reason": "lost it", "seen": sold.version}
    ClickedBackend.click = lambda: client.post(address, form)
    for name, value in mail_settings(f"{__name__}.ClickedBackend").items():
        setattr(settings, name, value)
    client.post(address, form)
    assert len(mail.outbox) == 2  # the first delivery, and one more


class ClickedBackend(EmailBackend):
    """A mail server that takes its time: the clerk clicks again meanwhile."""

    click = None

    def send_messages(self, messages):
        click, ClickedBackend.click = ClickedBackend.click, None
        if click:
            click()
        return super().send_messages(messages)


def test_a_reason_is_needed(clerk, sold):
    page = clerk("take_back_vouchersale").post(
        f"{LIST}{sold.pk}/take-back/", {"reason": " ", "seen": sold.version}
    )
    assert page.status_code == 200
    sold.refresh_from_db()
    assert sold.target == "active"


def test_an_unknown_sale_is_not_found(clerk, sold):
    assert clerk("take_back_vouchersale").get(f"{LIST}999/take-back/").status_code == 404


def test_nothing_is_edited_added_or_deleted_by_hand(admin_client, sold):
    assert admin_client.get(f"{LIST}add/").status_code == 403
    assert admin_client.post(f"{LIST}{sold.pk}/delete/", {"post": "yes"}).status_code == 403
    admin_client.post(f"{LIST}{sold.pk}/change/", {"amount": "1000.00"})
    assert str(VoucherSale.objects.get().amount) == "50.00"


def test_a_clerk_sends_a_mail_that_came_back_to_another_address(clerk, shop, sold):
    client = clerk("resend_vouchersale")
    address = f"{LIST}{sold.pk}/resend/"
    assert "another recipient" in client.get(address).text
    form = {"reason": "came back", "seen": sold.version, "recipient_email": "not an address"}
    assert "valid email address" in client.post(address, form).text
    client.post(address, {**form, "recipient_email": "ada@new.example"})
    sold.refresh_from_db()
    assert (sold.recipient_email, mail.outbox[-1].to) == ("ada@new.example", ["ada@new.example"])
    client.post(address, {**form, "recipient_email": "", "seen": sold.version})
    assert [message.to for message in mail.outbox[1:]] == [["ada@new.example"]] * 2


def test_a_clerk_sends_an_imported_voucher_to_a_recipient_who_is_named(clerk, shop, sold):
    VoucherSale.objects.update(delivery="none", recipient_email="")
    sold.refresh_from_db()
    client, sent = clerk("resend_vouchersale"), len(mail.outbox)
    address, form = f"{LIST}{sold.pk}/resend/", {"reason": "lost the card", "seen": sold.version}
    assert "has no recipient" in client.post(address, form, follow=True).text
    assert len(mail.outbox) == sent
    sold.refresh_from_db()
    client.post(address, {**form, "recipient_email": "ada@new.example", "seen": sold.version})
    assert mail.outbox[sent].to == ["ada@new.example"]


def test_failed_deliveries_are_found(clerk, sold):
    VoucherSale.objects.update(
        delivery_error="SMTPServerDisconnected", delivered_at=None, deliver_due_at=timezone.now()
    )
    client = clerk()
    assert "A-1001" in client.get(f"{LIST}?delivered=failed").text
    assert "A-1001" not in client.get(f"{LIST}?delivered=waiting").text


def test_what_is_delivered_or_taken_back_is_not_among_the_deliveries_that_wait_or_failed(clerk, sold):
    """The reminder of a delivered voucher has the next attempt of its own in the same column."""
    client, soon = clerk(), timezone.now() + timedelta(days=1)
    for state in (
        {"deliver_due_at": soon},
        {"delivered_at": None, "deliver_due_at": None, "status": "taken_back", "delivery_error": "timeout"},
    ):
        VoucherSale.objects.update(**state)
        assert "A-1001" not in client.get(f"{LIST}?delivered=waiting").text
        assert "A-1001" not in client.get(f"{LIST}?delivered=failed").text


# an operation whose outcome a person must decide


@pytest.fixture
def undecided(shop, sold):
    """A top-up of 10.00 that was booked, whose answer was lost, and that is left to a person."""
    shop.cloud.faults.next("after:drop", method="POST", path="/v1/vouchers/recharge")
    with pytest.raises(OutcomeUnknownError):
        gateway.top_up(sold, "10.00", key="k")
    return left_to_a_person(sold, "recharge")


def left_to_a_person(sold, kind):
    VoucherOperation.objects.filter(kind=kind).update(
        state="manual", error_code="ambiguous_bookings", due_at=None
    )
    sold.refresh_from_db()
    return VoucherOperation.objects.get(kind=kind)


def decision(operation):
    """The one page on which operations are decided, of payments and of sales."""
    return f"/admin/voucher_payment_gateway/voucherpayment/operation/{operation.pk}/"


def test_a_clerk_decides_both_ways_and_is_recorded(clerk, shop, sold, undecided, monkeypatch):
    monkeypatch.setitem(connection.settings_dict, "ATOMIC_REQUESTS", True)
    client, address = clerk("change_voucheroperation"), decision(undecided)
    assert address in client.get(f"{LIST}{sold.pk}/change/").text
    page = client.get(address).text
    for text in ("€10.00", undecided.reference):
        assert text in page
    wrong = client.post(address, {"decision": "other", "reason": "seen there"}, follow=True)
    assert "other is not one of the available choices" in wrong.text
    undecided.refresh_from_db()
    assert undecided.state == "manual"
    (booking,) = shop.cloud.bookings(sold.voucher_id)
    told = client.post(address, {"decision": booking.id, "reason": "seen there"}, follow=True)
    assert "The decision is recorded." in told.text
    assert told.redirect_chain == [(f"{LIST}{sold.pk}/change/", 302)]
    assert address not in told.text
    sold.refresh_from_db()
    undecided.refresh_from_db()
    assert (undecided.state, undecided.concluded_by, undecided.conclusion) == (
        "succeeded",
        "mia",
        "seen there",
    )
    assert str(sold.amount_topped_up) == "10.00"
    activation = left_to_a_person(sold, "activate")
    client.post(decision(activation), {"decision": "-", "reason": "not there"})
    activation.refresh_from_db()
    assert (activation.state, activation.concluded_by) == ("not_applied", "mia")


def test_without_the_permissions_or_a_reason_nothing_is_decided(clerk, django_user_model, sold, undecided):
    address, form = decision(undecided), {"decision": "-", "reason": "seen there"}
    client = clerk("take_back_vouchersale", "resend_vouchersale")
    assert address not in client.get(f"{LIST}{sold.pk}/change/").text
    assert (client.get(address).status_code, client.post(address, form).status_code) == (403, 403)
    mia, named = django_user_model.objects.get(), Permission.objects.filter
    mia.user_permissions.set(named(codename__in=["view_voucherpayment", "change_voucheroperation"]))
    assert client.post(address, form).status_code == 403, "who may not look at sales decides none"
    mia.user_permissions.add(named(codename="view_vouchersale").get())
    assert client.post(address, {**form, "reason": " "}).status_code == 200
    undecided.refresh_from_db()
    assert (undecided.state, undecided.concluded_by) == ("manual", "")
