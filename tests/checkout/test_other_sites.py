"""The checkout in a site without Django's messages, and with its URLs under other namespaces."""

import sys
from decimal import Decimal as D
from itertools import count
from types import ModuleType

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.http import HttpResponse
from django.template import RequestContext, Template
from django.urls import include, path

from tests.checkout.test_block import block
from tests.shop.checkout import current_order
from tests.test_checks_shop import namespaces
from voucher_payment_gateway.checkout.problems import CODE_MISSING, NO_ORDER, THROTTLED, UNUSABLE
from voucher_payment_gateway.models import VoucherPayment
from voucher_payment_gateway.orders import OrderFacts

COUNT = count()
BLOCK = "{% load voucher_payments %}{% voucher_payments order %}"


def page(request):
    """The checkout page of a shop with a block and no messages."""
    return rendered(request, BLOCK)


def page_with_messages(request):
    """The checkout page of a shop that shows messages above the block."""
    above = "{% for each in messages %}<p>{{ each }}</p>{% endfor %}"
    return rendered(request, above + BLOCK)


def rendered(request, text):
    order = current_order(request) or OrderFacts("B-1", D("50.00"), "EUR")
    return HttpResponse(Template(text).render(RequestContext(request, {"order": order})))


@pytest.fixture
def urlconf(settings):
    def make(*patterns):
        name = f"tests.urls_of_a_site_{next(COUNT)}"
        sys.modules[name] = ModuleType(name)
        sys.modules[name].urlpatterns = [
            path("checkout/", page),
            path("messages/", page_with_messages),
            *patterns,
        ]
        settings.ROOT_URLCONF = name

    yield make
    for name in [name for name in sys.modules if name.startswith("tests.urls_of_a_site_")]:
        del sys.modules[name]


@pytest.fixture(params=["no app", "no middleware"])
def without_messages(request, settings, urlconf):
    urlconf(path("vouchers/", include("voucher_payment_gateway.checkout.urls")))
    settings.MIDDLEWARE = [each for each in settings.MIDDLEWARE if ".messages." not in each]
    if request.param == "no app":
        settings.INSTALLED_APPS = [
            app
            for app in settings.INSTALLED_APPS
            if app not in ("django.contrib.messages", "django.contrib.admin")
        ]


def test_a_form_without_messages_holds_and_shows_the_voucher(shop, visit, without_messages):
    order = shop.order("50.00")
    shop.voucher("20.00", code="GIFT-2000")
    client = visit(order)
    response = client.post("/vouchers/apply/", {"code": "GIFT-2000", "next": "/checkout/"})
    assert (response.status_code, response.url) == (303, "/checkout/")
    assert (order.voucher_authorized, order.voucher_due) == (20, 30)
    assert "Held for you until" in client.get("/checkout/").text


@pytest.mark.parametrize("address", ["remove", "renew"])
def test_every_form_without_messages_answers(shop, visit, without_messages, address):
    order = shop.order("50.00")
    shop.voucher("20.00", code="GIFT-2000")
    client = visit(order)
    client.post("/vouchers/apply/", {"code": "GIFT-2000"})
    payment = VoucherPayment.objects.get()
    assert client.post(f"/vouchers/{address}/", {"payment": payment.pk}).status_code == 303


def test_a_problem_without_messages_is_read_in_the_block_once(shop, visit, without_messages):
    client = visit(shop.order("50.00"))
    client.post("/vouchers/apply/", {"code": "NOBODY"})
    assert client.get("/checkout/").text.count(UNUSABLE.message) == 1
    assert UNUSABLE.message not in client.get("/checkout/").text


def test_a_problem_of_no_field_without_messages_is_read_in_the_block_once(shop, visit, without_messages):
    client = visit()
    client.post("/vouchers/apply/", {"code": "GIFT-2000"})
    assert client.get("/checkout/").text.count(NO_ORDER.message) == 1
    assert NO_ORDER.message not in client.get("/checkout/").text


def test_a_throttled_visitor_without_messages_reads_it(shop, visit, without_messages, gateway_settings):
    gateway_settings(THROTTLE={"session": "1/1h", "refusal_seconds": 0})
    client = visit(shop.order("50.00"))
    for _ in range(2):
        client.post("/vouchers/apply/", {"code": "NOBODY"})
    text = client.get("/checkout/").text
    assert str(THROTTLED.sentence).partition(";")[0] in text
    assert "The next attempt is possible in " in text


@pytest.mark.parametrize("path_of_page", ["/checkout/", "/messages/"])
def test_what_is_wrong_with_a_code_is_said_once_and_at_its_field(shop, visit, urlconf, path_of_page):
    urlconf(path("vouchers/", include("voucher_payment_gateway.checkout.urls")))
    client = visit(shop.order("50.00"))
    entered = {"code": "NOBODY", "from_block": "1", "next": path_of_page}
    text = client.post("/vouchers/apply/", entered, follow=True).text
    assert text.count(UNUSABLE.message) == 1
    assert f'id="vpg-problem" data-vpg-notice>{UNUSABLE.message}</p>' in text
    assert 'aria-describedby="vpg-problem" autofocus' in text
    assert UNUSABLE.message not in client.get(path_of_page).text


def test_where_the_order_is_covered_there_is_no_field_and_it_is_said_all_the_same(shop, visit, urlconf):
    """As of a code that was sent from an older page."""
    urlconf(path("vouchers/", include("voucher_payment_gateway.checkout.urls")))
    order = shop.order("15.00")
    shop.voucher("20.00", code="GIFT-2000")
    client = visit(order)
    client.post("/vouchers/apply/", {"code": "GIFT-2000"})
    client.get("/messages/")
    entered = {"code": " ", "from_block": "1", "next": "/messages/"}
    text = client.post("/vouchers/apply/", entered, follow=True).text
    assert text.count(CODE_MISSING.message) == 1


@pytest.mark.parametrize(
    "entered", [{"next": "/messages/"}, {"from_block": "1", "next": "https://elsewhere.example/"}, {}]
)
def test_where_the_next_page_may_have_no_block_the_messages_say_it(
    shop, visit, urlconf, messages_of, entered
):
    """As after a form of the shop's own."""
    urlconf(path("vouchers/", include("voucher_payment_gateway.checkout.urls")))
    response = visit(shop.order("50.00")).post("/vouchers/apply/", {"code": "NOBODY", **entered})
    assert messages_of(response) == [UNUSABLE.message]


def test_the_form_of_the_block_says_that_it_is_the_blocks(shop):
    assert '<input type="hidden" name="from_block" value="1">' in block(shop.order("50.00"))


@pytest.mark.parametrize("kind", namespaces())
def test_the_block_works_under_any_namespace(shop, visit, urlconf, kind):
    urlconf(namespaces()[kind])
    order = shop.order("50.00")
    shop.voucher("20.00", code="GIFT-2000")
    client = visit(order)
    prefix = {"below another": "/shop/vouchers/", "below two": "/shop/shop/vouchers/"}.get(kind, "/vouchers/")
    text = client.get("/checkout/").text
    assert f'action="{prefix}apply/"' in text
    assert f'data-vpg="{prefix}state/"' in text
    assert client.post(f"{prefix}apply/", {"code": "GIFT-2000"}).status_code == 303
    assert f'action="{prefix}remove/"' in client.get("/checkout/").text
    shop.later(minutes=40)
    assert f'action="{prefix}renew/"' in client.get("/checkout/").text


def test_without_the_urls_the_block_says_what_to_add(shop, visit, urlconf):
    urlconf()
    with pytest.raises(
        ImproperlyConfigured, match=r'add path\("vouchers/", include\("voucher_payment_gateway'
    ):
        visit(shop.order("50.00")).get("/checkout/")
