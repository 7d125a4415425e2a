"""What is shown to customers and staff does not come from the replica: commands, checkout and admin.

A test is named after the command, tag, endpoint or page that it covers; one without a test fails here.
"""

import io
from datetime import timedelta
from pathlib import Path
from uuid import uuid4

import pytest
from django.contrib import admin
from django.core.management import CommandError, call_command
from django.template import Context, Template
from django.utils import timezone

from tests.replica.lagging import covered, payment_of, stored, window
from tests.shop.models import Order
from voucher_payment_gateway import gateway, management
from voucher_payment_gateway.checkout.urls import urlpatterns
from voucher_payment_gateway.delivery.links import page_path
from voucher_payment_gateway.models import (
    VoucherApproval,
    VoucherClosedPeriod,
    VoucherDifference,
    VoucherLiability,
    VoucherOperation,
    VoucherPayment,
    VoucherSale,
    VoucherStaffNotice,
)
from voucher_payment_gateway.templatetags.voucher_payments import register

pytestmark = pytest.mark.django_db(transaction=True, databases=["default", "replica"])

READ_NO_ROWS = {"voucher_connect", "voucher_probe", "voucher_sandbox", "voucher_partition_archive"}
"""Commands that speak with the Voucher Cloud alone, or change tables."""


def run(command, *arguments):
    printed = io.StringIO()
    call_command(command, *map(str, arguments), stdout=printed)
    return printed.getvalue()


def test_command_voucher_settle(unknown):
    assert "found 1" in run("voucher_settle")


def test_command_voucher_reconcile(difference):
    since, until = window()
    with pytest.raises(CommandError, match="1 difference, none new"):
        run("voucher_reconcile", f"--since={since}", f"--until={until}")
    assert run("voucher_reconcile", "--explain", difference.pk, "Known.") == (
        f"Difference {difference.pk} is explained.\n"
    )
    assert stored(VoucherDifference).get().explained_at


def test_command_voucher_review(manual, shop, voucher):
    assert run("voucher_review").endswith("1 gift voucher operations need a person\n")
    (booking,) = shop.cloud.bookings(voucher.id)
    decision = ("--booked", booking.id, "--actor", "mia", "--reason", "seen there")
    assert run("voucher_review", manual.pk, *decision) == f"operation {manual.pk} is succeeded now\n"


def test_command_voucher_doctor(manual, settings):
    settings.DEBUG = True
    printed = run("voucher_doctor")
    assert "1 open, the oldest for 5 minutes: a person has to decide" in printed
    assert "1 stored codes can be opened" in printed


def test_command_voucher_reseal(held):
    assert "first 1" in run("voucher_reseal")


def test_command_voucher_issue(shop, tmp_path):
    given, codes = tmp_path / "in.csv", tmp_path / "out.csv"
    given.write_text("key,amount\na,50.00\n")
    for _ in range(2):
        printed = run("voucher_issue", "--csv", given, "--out", codes, "--batch", "spring")
    assert printed.startswith("1 of 1")
    assert stored(VoucherSale).count() == 1


def test_command_voucher_import(shop, voucher, tmp_path):
    given = tmp_path / "in.csv"
    given.write_text(f"voucher_id\n{voucher.id}\n")
    for _ in range(2):
        assert run("voucher_import", "--csv", given).startswith("1 of 1")
    assert stored(VoucherSale).count() == 1


def test_command_voucher_bookings(captured):
    since, until = window()
    assert "charge,A-1001," in run("voucher_bookings", "--since", since, "--until", until)
    VoucherOperation.objects.using("default").update(settled_at=since)
    assert run("voucher_bookings", "--since", since, "--until", timezone.localdate(), "--close") == ""
    assert stored(VoucherClosedPeriod).get().figures["charge EUR"]["count"] == 1


def test_command_voucher_liability(sold):
    yesterday = timezone.now() - timedelta(days=1)
    VoucherOperation.objects.using("default").update(settled_at=yesterday)
    assert "outstanding 50.00 EUR" in run("voucher_liability")


def test_command_voucher_archive(captured):
    long_ago = timezone.now() - timedelta(days=400)
    VoucherOperation.objects.using("default").update(settled_at=long_ago, created_at=long_ago, reread_at=None)
    VoucherPayment.objects.using("default").update(updated_at=long_ago, sealed_code="")
    until = timezone.localdate() - timedelta(days=200)
    assert run("voucher_archive", "--before", until).startswith("1 orders with 2 operations archived")


def test_command_voucher_walkthrough():
    assert "Every figure is right." in run("voucher_walkthrough")


def test_every_command_is_covered():
    folder = Path(management.__path__[0]) / "commands"
    commands = {file.stem for file in folder.glob("[!_]*.py")}
    assert covered(globals(), "command") | READ_NO_ROWS == commands


# The checkout


def checkout_order(request):
    return stored(Order).get()


@pytest.fixture
def ask(held, client, gateway_settings):
    """Ask an endpoint, or send it a form, as a visitor with an order in checkout; return the block."""
    gateway_settings(CHECKOUT_ORDER="tests.replica.test_pages.checkout_order")

    def send(name, **form):
        call = client.post if form else client.get
        response = call(f"/vouchers/{name}/", form, headers={"voucher-fragment": "1", "accept": "text/html"})
        assert response.status_code == 200
        return response.text

    return send


def rendered(tag, order):
    return Template(f"{{% load voucher_payments %}}{{% {tag} order %}}").render(Context({"order": order}))


def test_tag_voucher_payments(held):
    html = rendered("voucher_payments", held)
    assert "…ABCD" in html
    assert 'data-vpg-due="30.00"' in html


def test_tag_voucher_story(captured):
    assert rendered("voucher_story", captured).count("…ABCD") == 2


def test_endpoint_state(ask):
    assert 'data-vpg-due="30.00"' in ask("state")


def test_endpoint_apply(ask, shop):
    shop.voucher("7.00", code="GIFT-0700")
    assert 'data-vpg-due="23.00"' in ask("apply", code="GIFT-0700")


def test_endpoint_remove(ask, held):
    assert 'data-vpg-due="50.00"' in ask("remove", payment=payment_of(held).pk)


def test_endpoint_renew(ask, shop):
    shop.later(minutes=40)
    assert 'data-vpg-due="30.00"' in ask("renew", next="/")


def test_tag_voucher_styles(order):
    assert Template("{% load voucher_payments %}{% voucher_styles %}").render(Context()).count("<link") == 1


@pytest.fixture
def sold(shop, gateway_settings):
    gateway_settings(
        SOLD_VOUCHERS="tests.shop.sold.vouchers",
        CHECKOUT_ORDER="tests.replica.test_pages.checkout_order",
        CUSTOMER_ORDERS="tests.replica.test_pages.numbers",
        BALANCE_CHECK=True,
    )
    order = shop.order("50.00", number="A-1002", note="a=50.00")
    gateway.activate(order)
    return order


def test_tag_voucher_sales(sold):
    assert "a…@example.org" in rendered("voucher_sales", sold)


def test_endpoint_sold(sold, client):
    assert client.get("/vouchers/sold/").json()["vouchers"][0]["status"] == "sent"


def test_endpoint_mine(sold, client):
    assert "€50.00" in client.get("/vouchers/mine/").text


def numbers(request):
    return ["A-1002"]


def test_endpoint_balance(sold, client):
    assert client.get("/vouchers/balance/").status_code == 200


def test_endpoint_check(sold, shop, client):
    code = shop.cloud.voucher(stored(VoucherSale).get().voucher_id).code
    assert "€50.00" in client.post("/vouchers/balance/check/", {"code": code}).text


@pytest.fixture
def on_a_page(sold, gateway_settings, shop):
    gateway_settings(VOUCHER_DELIVERY="page")
    gateway.activate(shop.order("10.00", number="A-1003", note="b=10.00"))
    sale = stored(VoucherSale).get(order_number="A-1003")
    return page_path(sale)


def test_endpoint_sold_page(on_a_page, client):
    assert "€10.00" in client.get(on_a_page).text


def test_endpoint_sold_seen(on_a_page, client):
    assert client.post(f"{on_a_page}seen/").status_code == 303
    assert stored(VoucherSale).get(order_number="A-1003").delivered_at


def test_endpoint_sold_print(on_a_page, client):
    assert "€10.00" in client.get(f"{on_a_page}print/").text


def test_endpoint_sold_pdf(on_a_page, client):
    assert client.get(f"{on_a_page}pdf/")["Content-Type"] == "application/pdf"


def test_every_tag_is_covered():
    assert covered(globals(), "tag") == set(register.tags)


def test_every_endpoint_is_covered():
    included = [pattern for each in urlpatterns for pattern in getattr(each, "url_patterns", [each])]
    assert covered(globals(), "endpoint") == {pattern.name for pattern in included}


# The admin


@pytest.fixture
def shown(difference, admin_client):
    """Return the number of rows in the list, and the pages of the row and its history."""

    def read(model):
        folder, pk = f"/admin/{model._meta.label_lower.replace('.', '/')}/", stored(model).get().pk
        listed = admin_client.get(folder).context["cl"].result_count
        pages = [admin_client.get(f"{folder}{pk}/{page}/").text for page in ("change", "history")]
        return [listed, *pages]

    return read


def test_admin_voucherpayment(shown, difference, admin_client):
    listed, row, history = shown(VoucherPayment)
    assert listed == 1
    assert "charge 20.00 EUR (succeeded)" in row
    folder = "/admin/voucher_payment_gateway/voucherpayment/"
    found = admin_client.post(f"{folder}search/", {"code": "A-1001"}, follow=True)
    assert "€20.00 was charged to gift voucher …ABCD." in found.text
    for choice in ("unpaid", "unknown", "decided", "lapsing", "unconfirmed", "gone"):
        assert admin_client.get(folder, {"attention": choice}).status_code == 200
    assert difference.voucher_id in admin_client.get(f"{folder}attention/").text
    assert "as in our records" in admin_client.get(f"{folder}statement/?voucher={difference.voucher_id}").text
    assert "A-1001: gift voucher …ABCD" in history


def test_admin_voucherdifference(shown, difference, admin_client):
    listed, row, history = shown(VoucherDifference)
    assert listed == 1
    assert "A-1001: gift voucher …ABCD" in row
    assert difference.voucher_id in history
    address = f"/admin/voucher_payment_gateway/voucherdifference/{difference.pk}/change/"
    assert admin_client.post(address, {"new_explanation": "Known."}).status_code == 302
    assert stored(VoucherDifference).get().explained_by == "admin"


def test_admin_vouchersale(sold, admin_client):
    folder, pk = "/admin/voucher_payment_gateway/vouchersale/", stored(VoucherSale).get().pk
    assert admin_client.get(folder).context["cl"].result_count == 1
    assert "€50.00" in admin_client.get(f"{folder}{pk}/change/").text


def test_admin_voucherliability(sold, admin_client):
    VoucherLiability(day=timezone.localdate(), currency="EUR", outstanding=50).save(using="default")
    page = admin_client.get("/admin/voucher_payment_gateway/voucherliability/")
    assert (page.context["cl"].result_count, len(page.context["charts"])) == (1, 1)


def test_admin_voucherapproval(captured, admin_client):
    now = timezone.now()
    VoucherApproval(
        order_number="A-1001", verb="refund", amount=5, currency="EUR", key="k", requester_id="1", requested_by="mia",
        reason="x", requested_at=now, expires_at=now + timedelta(hours=1),
    ).save(using="default")  # fmt: skip
    folder = "/admin/voucher_payment_gateway/voucherapproval/"
    assert admin_client.get(folder).context["cl"].result_count == 1
    assert "mia" in admin_client.get(f"{folder}{stored(VoucherApproval).get().pk}/change/").text


def test_admin_voucherclosedperiod(captured, admin_client):
    since, until = window()
    folder = "/admin/voucher_payment_gateway/voucherclosedperiod/"
    figures = {"charge EUR": {"count": 2, "sum": "40.00"}}
    VoucherClosedPeriod(
        since=since, until=until, figures=figures, digest="", closed_at=since, closed_by="anna"
    ).save(using="default")
    pk = stored(VoucherClosedPeriod).get().pk
    admin_client.post(folder, {"action": "check_again", "_selected_action": pk})
    assert "€40.00 (2) → €20.00 (1)" in admin_client.get(f"{folder}{pk}/change/").text
    days = {"first": since.date(), "last": until.date(), "file_format": "csv"}
    exported = b"".join(admin_client.post(f"{folder}export/", days).streaming_content)
    assert b"charge,A-1001," in exported


def test_admin_voucherstaffnotice(captured, admin_client):
    VoucherStaffNotice(batch=uuid4(), channel="mail", created_at=timezone.now()).save(using="default")
    folder, pk = "/admin/voucher_payment_gateway/voucherstaffnotice/", stored(VoucherStaffNotice).get().pk
    assert admin_client.get(folder).context["cl"].result_count == 1
    assert admin_client.get(f"{folder}{pk}/change/").status_code == 200


def test_every_page_of_the_admin_is_covered():
    pages = {
        model._meta.model_name
        for model in admin.site._registry
        if model._meta.app_label == "voucher_payment_gateway"
    }
    assert covered(globals(), "admin") == pages
