"""The page of a sold voucher: it shows the code behind a signed link, until the visitor has confirmed that."""

import re
from datetime import UTC, datetime

import pytest
from django.core import mail
from django.core.exceptions import ImproperlyConfigured
from django.core.signing import Signer
from django.db import connection
from django.test import Client, override_settings
from django.urls import include, path

from tests.selling.conftest import CODE, PIN
from tests.sentry import sentry
from voucher_payment_gateway import gateway
from voucher_payment_gateway.delivery.links import page_path, sale_of_link
from voucher_payment_gateway.models import VoucherSale
from voucher_payment_gateway.selling import views


@pytest.fixture
def seller(seller):
    seller.settings(VOUCHER_DELIVERY="page")
    return seller


@pytest.fixture
def sale(seller):
    """A sale that is active, and whose code waits on its page."""
    seller.with_pin()
    return seller.sell()


def text_of(response):
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", response.content.decode()))


def link_of(sale):
    return page_path(sale).split("/")[-2]


def test_the_page_shows_the_code_until_that_is_confirmed(client, sale):
    address = page_path(sale)
    for _ in range(3):
        shown = client.get(address)
        assert shown.status_code == 200
        assert CODE in text_of(shown)
        assert PIN in text_of(shown)
    confirmed = client.post(f"{address}seen/")
    assert (confirmed.status_code, confirmed["Location"]) == (303, address)
    sale.refresh_from_db()
    assert sale.delivered_at
    assert not sale.sealed_code
    after = text_of(client.get(address))
    assert CODE not in after
    assert f"ends in {CODE[-4:]}" in after
    assert "name your order A-1001" in after
    assert client.get(f"{address}print/").status_code == 302
    assert client.get(f"{address}pdf/").status_code == 302
    assert mail.outbox == []


def test_confirming_twice_changes_nothing(client, sale):
    client.post(f"{page_path(sale)}seen/")
    sale.refresh_from_db()
    first = (sale.delivered_at, sale.version)
    assert client.post(f"{page_path(sale)}seen/").status_code == 303
    sale.refresh_from_db()
    assert (sale.delivered_at, sale.version) == first


@pytest.mark.parametrize("method", ["head", "get", "options"])
@pytest.mark.parametrize("place", ["", "seen/", "print/", "pdf/"])
def test_nothing_but_a_post_confirms(client, sale, method, place):
    response = getattr(client, method)(page_path(sale) + place, headers={"Sec-Purpose": "prefetch"})
    sale.refresh_from_db()
    assert sale.delivered_at is None
    assert sale.sealed_code
    assert place != "seen/" or response.status_code == 405


def test_a_browser_that_sends_no_origin_and_no_cookie_can_confirm(sale):
    """With ``no-referrer`` browsers send ``Origin: null``, which Django's check of a CSRF token would refuse."""
    strict = Client(enforce_csrf_checks=True)
    response = strict.post(f"{page_path(sale)}seen/", headers={"Origin": "null"})
    assert response.status_code == 303
    sale.refresh_from_db()
    assert sale.delivered_at


def test_the_link_has_no_code_and_no_id_of_the_voucher(sale):
    address = page_path(sale)
    assert address.startswith(f"/vouchers/sold/{sale.pk}.")
    assert CODE not in address
    assert sale.voucher_id not in address


def test_a_wrong_or_foreign_signature_is_not_found(client, seller, sale):
    seller.order = seller.shop.order("50.00", number="A-2", note="b=50.00")
    other = seller.sell()
    signature = link_of(sale).partition(".")[2]
    wrong = [
        f"{other.pk}.{signature}",
        f"{sale.pk}.{signature[:-1]}",
        f"{sale.pk}.{'A' * len(signature)}",
        f"{sale.pk}",
        Signer(sep=".", salt="another use").sign(str(sale.pk)),
        Signer(sep=".").sign(str(sale.pk)),
        f"0{link_of(sale)}",
        f"{10**18}.{signature}",
        "x",
    ]
    for link in wrong:
        assert sale_of_link(link) is None
        for place in ("", "seen/", "print/", "pdf/"):
            assert client.get(f"/vouchers/sold/{link}/{place}").status_code in (404, 405)
        assert client.post(f"/vouchers/sold/{link}/seen/").status_code == 404
    assert VoucherSale.objects.filter(delivered_at=None).count() == 2


def test_an_old_link_opens_no_other_voucher_of_a_database_that_was_put_back(client, sale):
    """The sale was lost with the last hour of the database, and another one has its primary key now."""
    address = page_path(sale)
    VoucherSale.objects.filter(pk=sale.pk).update(voucher_id="vpg-another")
    assert client.get(address).status_code == 404


def test_a_link_goes_on_after_the_secret_key_was_rotated(client, sale, settings):
    address = page_path(sale)
    settings.SECRET_KEY_FALLBACKS = [settings.SECRET_KEY]
    settings.SECRET_KEY = "the next one"
    assert client.get(address).status_code == 200


def test_a_sale_that_is_mailed_has_no_page(client, seller):
    seller.settings(VOUCHER_DELIVERY="mail")
    sale = seller.sell()
    assert client.get(page_path(sale)).status_code == 404


def test_without_a_recipient_the_voucher_of_a_shop_that_mails_is_on_a_page(client, seller):
    seller.settings(VOUCHER_DELIVERY="mail")
    sale = seller.sell(recipient_email="")
    assert seller.code(sale) in text_of(client.get(page_path(sale)))
    assert mail.outbox == []


def test_before_the_payment_the_page_says_so(client, seller):
    sale = seller.issue()
    assert "not paid yet" in text_of(client.get(page_path(sale)))
    assert seller.code(sale) not in text_of(client.get(page_path(sale)))
    client.post(f"{page_path(sale)}seen/")
    sale.refresh_from_db()
    assert sale.delivered_at is None


def test_a_voucher_that_is_paid_and_not_active_yet_is_being_prepared(client, seller):
    sale = seller.issue()
    VoucherSale.objects.update(target="active")
    assert "being prepared" in text_of(client.get(page_path(sale)))


def test_a_voucher_taken_back_is_no_longer_valid(client, seller, sale):
    gateway.take_back(seller.order)
    shown = text_of(client.get(page_path(sale)))
    assert "no longer valid" in shown
    assert CODE not in shown


@pytest.mark.parametrize(
    ("language", "expired"),
    [("en", "has expired"), ("de", "Er war bis 31. Dezember 2020 gültig und ist abgelaufen")],
)
def test_a_voucher_that_expired_unseen_says_so_and_shows_no_code(client, sale, language, expired):
    ended_at = datetime(2020, 12, 31, 23, 59, 59, tzinfo=UTC)
    VoucherSale.objects.update(valid_until=ended_at, language=language)
    address = page_path(sale)
    shown = text_of(client.get(address))
    assert expired in shown
    assert CODE not in shown
    assert PIN not in shown
    assert [client.get(address + place).status_code for place in ("print/", "pdf/")] == [302, 302]
    client.post(f"{address}seen/")  # from a page that was opened before
    sale.refresh_from_db()
    assert (sale.delivered_at, bool(sale.sealed_code)) == (None, True)  # extended, it is shown again


def test_a_code_that_no_key_opens_is_not_confirmed_unseen(client, seller, sale):
    seller.settings(SEALING_KEYS=["9Ck0bqLoWiTBSC5VbTEWIlIYv8ubAgdV3tqzJtsGqpk="])
    assert "cannot be shown just now" in text_of(client.get(page_path(sale)))
    client.post(f"{page_path(sale)}seen/")
    sale.refresh_from_db()
    assert sale.sealed_code


@pytest.mark.parametrize("place", ["", "print/", "pdf/"])
def test_no_cache_no_search_engine_no_referrer_no_session(client, sale, place):
    response = client.get(page_path(sale) + place)
    assert "no-store" in response["Cache-Control"]
    assert "private" in response["Cache-Control"]
    assert "noindex" in response["X-Robots-Tag"]
    assert response["Referrer-Policy"] == "no-referrer"
    assert response.cookies == {}
    assert CODE not in str(response.headers)


def test_a_strict_security_policy_allows_the_page(client, sale):
    for place in ("", "print/"):
        html = client.get(page_path(sale) + place).content.decode()
        assert " style=" not in html
        assert "<style" not in html
        assert "<script" not in html
        assert not re.search(r"\son\w+=", html)
        assert "https://" not in html.replace("https://shop.example", "").replace("http://www.w3.org", "")


def test_the_stylesheet_has_the_nonce_of_the_policy(sale, rf):
    request = rf.get("/")
    request.csp_nonce = "n0nce"
    assert b'nonce="n0nce"' in views.page(request, link_of(sale)).content


def test_markup_in_a_message_is_shown_and_not_interpreted(client, seller):
    sale = seller.sell(message="<script>alert(1)</script>\nsecond line", recipient_name="<b>Ada</b>")
    html = client.get(page_path(sale)).content.decode()
    assert "<script" not in html
    assert "<b>Ada" not in html
    assert "<br>second line" in html


def test_the_page_is_in_the_language_of_the_sale(client, seller):
    sale = seller.sell(language="de", recipient_name="Jürgen")
    shown = client.get(page_path(sale), headers={"Accept-Language": "fr"})
    assert "Ich habe den Code gespeichert" in text_of(shown)
    assert "Für Jürgen" in text_of(shown)
    client.post(f"{page_path(sale)}seen/")
    assert "zeigt diese Seite ihn nicht mehr" in text_of(client.get(page_path(sale)))


urlpatterns = [path("shop/", include(("voucher_payment_gateway.checkout.urls", "gifts"), namespace="extra"))]


def test_the_page_works_under_any_namespace(client, sale):
    with override_settings(ROOT_URLCONF=__name__):
        address = page_path(sale)
        assert address.startswith("/shop/sold/")
        assert CODE in text_of(client.get(address))
        assert client.post(f"{address}seen/")["Location"] == address


def test_a_shop_that_has_not_included_the_addresses_is_told_so(sale):
    with (
        override_settings(ROOT_URLCONF="tests.selling.no_addresses"),
        pytest.raises(ImproperlyConfigured, match="include"),
    ):
        page_path(sale)


def test_no_report_of_an_error_on_the_page_shows_the_code(sale, templates_of_the_shop):
    templates_of_the_shop("sold_page.html", "{% include missing_template %}")
    client = Client(raise_request_exception=False)
    with sentry(send_default_pii=True, attach_stacktrace=True) as outbox:
        response = client.get(page_path(sale))
    assert response.status_code == 500
    assert outbox.events
    assert CODE not in outbox.text
    assert PIN not in outbox.text
    assert CODE not in response.content.decode()


def test_nothing_is_logged_and_the_session_stays_empty(client, sale, caplog):
    caplog.set_level("DEBUG", "voucher_payment_gateway")
    client.get(page_path(sale))
    client.post(f"{page_path(sale)}seen/")
    assert caplog.records == []
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM django_session")
        assert cursor.fetchone() == (0,)
