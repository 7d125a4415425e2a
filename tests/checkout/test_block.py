"""``{% voucher_payments order %}``: the block of the checkout page."""

import re
from datetime import timedelta
from decimal import Decimal as D
from pathlib import Path

import pytest
from django.http import HttpResponse
from django.middleware.csrf import get_token
from django.template import RequestContext, Template
from django.test import RequestFactory
from django.utils import timezone
from django.utils.functional import SimpleLazyObject

import voucher_payment_gateway
from tests.shop.models import Invoice, Order
from voucher_payment_gateway import gateway
from voucher_payment_gateway.checkout.summary import summarise
from voucher_payment_gateway.exceptions import PaymentStateError
from voucher_payment_gateway.models import VoucherOperation, VoucherPayment

TEMPLATES = Path(voucher_payment_gateway.__file__).parent / "templates" / "voucher_payment_gateway"
PIECES = sorted(path.name for path in TEMPLATES.glob("*.html") if path.name.startswith(("checkout", "story")))
"""The templates of the block and of the story."""

ODD = {
    "no order": None,
    "a total below zero": Order(number="A-1", total=D("-5.00")),
    "a total of zero": Order(number="A-1", total=D("0.00")),
    "a third decimal": Order(number="A-1", total=D("12.345")),
    "no total": Order(number="A-1", total=None),
    "no currency": Order(number="A-1", total=D("50.00"), currency=None),
    "a number of 60 characters": Order(number="A" * 60, total=D("50.00")),
    "no number yet": Order(number="", total=D("50.00")),
}
"""Orders without vouchers, which no voucher can pay as they are."""


def block(order, arguments=""):
    request = RequestFactory().get("/checkout/?step=2")
    get_token(request)
    return block_of(
        "{% load voucher_payments %}{% voucher_payments order " + arguments + " %}", order, request
    )


def block_of(text, order, request=None):
    template = Template(text)
    return " ".join(template.render(RequestContext(request, {"order": order})).split())


def block_for(order, session):
    """Return the block of the next page of the visitor with this session."""
    request = RequestFactory().get("/checkout/")
    request.session = session
    template = Template("{% load voucher_payments %}{% voucher_payments order %}")
    return " ".join(template.render(RequestContext(request, {"order": order})).split())


@pytest.fixture
def held(shop):
    """An order of 50.00 with a voucher of 20.00 on it."""
    order = shop.order("50.00")
    shop.voucher("20.00", code="GIFT-2000")
    gateway.authorize(order, "GIFT-2000")
    return order


@pytest.mark.parametrize("vouchers", [1, 4])
def test_the_block_is_read_in_one_statement_however_many_vouchers_there_are(
    shop, vouchers, django_assert_num_queries
):
    order = shop.order("50.00")
    for number in range(vouchers):
        shop.voucher("10.00", code=f"GIFT-{number}")
        gateway.authorize(order, f"GIFT-{number}")
    with django_assert_num_queries(1):
        block(order)


def test_an_order_without_vouchers_shows_its_total_and_the_form(shop):
    html = block(shop.order("50.00"))
    assert "<dt>Still due</dt><dd>€50.00</dd>" in html
    assert '<label for="vpg-code">Gift voucher code</label>' in html
    assert '<label for="vpg-pin">PIN, if it has one</label>' in html
    assert html.count('autocomplete="off"') == 3
    assert "aria-invalid" not in html
    assert '<details class="vpg-pin">' in html
    assert "csrfmiddlewaretoken" in html
    assert 'name="next" value="/checkout/?step=2"' in html
    assert "Covered by" not in html


def test_a_held_voucher_shows_what_it_covers_until_when_and_what_is_due(held):
    html = block(held)
    payment = held.voucher_payments.get()
    assert 'role="status"' in html
    assert "Gift voucher …2000" in html
    assert f'datetime="{payment.reserved_until:%Y-%m-%dT%H:%M}' in html
    assert '<span class="vpg-amount">€20.00</span>' in html
    assert "<dd>−€20.00</dd>" in html
    assert "<dt>Still due</dt><dd>€30.00</dd>" in html
    assert f'name="payment" value="{payment.pk}"' in html


def test_the_forms_come_back_to_where_the_shop_says(held):
    assert block(held, 'next="/pay/"').count('name="next" value="/pay/"') == 2


def test_a_covered_order_asks_for_no_further_code(shop):
    order = shop.order("15.00")
    shop.voucher(code="GIFT-2000")
    gateway.authorize(order, "GIFT-2000")
    html = block(order)
    assert "Your order is fully covered." in html
    assert 'name="code"' not in html


def test_an_order_that_became_smaller_says_what_is_held_beyond_it(held):
    held.total = 5
    html = block(held)
    assert "€15.00 more is held than it costs. That is put right when you confirm." in html
    assert 'action="/vouchers/renew/"' in html
    held.voucher_payments.update(sealed_code="")
    html = block(held)
    assert "Please enter the code of your gift voucher again." in html
    assert "renew" not in html
    assert 'name="code"' in html


@pytest.mark.parametrize("before", ["30.00", "50.00"])
def test_an_order_that_became_larger_offers_to_cover_more_of_it(shop, before):
    order = shop.order(before)
    gateway.authorize(order, shop.voucher("30.00", code="GIFT-3000").code)
    for total, shown in [("18.50", "became smaller"), ("30.00", "became larger")]:
        order.total = D(total)
        assert shown in block(order)
        assert 'action="/vouchers/renew/"' in block(order)
        gateway.authorize_selected(order)
        assert "became" not in block(order)
    assert order.voucher_authorized == D("30.00")
    order.voucher_payments.update(amount_authorized=D("18.50"), sealed_code="")
    assert "became larger" not in block(order)


@pytest.mark.parametrize("amount", [None, "5.00"])
def test_a_voucher_that_can_cover_no_more_is_not_offered_to(shop, amount):
    order = shop.order("30.00")
    gateway.authorize(order, shop.voucher("20.00", code="GIFT-2000").code, amount=amount)
    assert "renew" not in block(order)


def test_a_hold_that_ran_out_is_not_called_held(held):
    held.voucher_payments.update(reserved_until=timezone.now() - timedelta(seconds=1))
    html = block(held)
    assert "No longer held; will be reserved again when you confirm" in html
    assert "vpg-until" not in html


def test_a_hold_that_ran_out_without_a_known_code_asks_for_it(held):
    held.voucher_payments.update(reserved_until=timezone.now() - timedelta(seconds=1), sealed_code="")
    assert "No longer held; please enter the code again" in block(held)


@pytest.mark.parametrize("state", ["due", "sending", "unknown"])
def test_what_is_in_flight_is_being_checked_and_cannot_be_removed(held, state):
    VoucherOperation.objects.update(state=state)
    html = block(held)
    assert "Being checked" in html
    assert "vpg-remove" not in html


def test_a_charged_voucher_is_shown_as_paid_and_cannot_be_removed(held):
    gateway.capture(held)
    html = block(held)
    assert "Paid" in html
    assert "vpg-remove" not in html


def test_a_cancelled_voucher_is_not_shown(held):
    gateway.cancel(held)
    assert summarise(held).lines == []


def test_a_lapsed_voucher_is_shown_until_its_code_is_entered_again(held):
    held.voucher_payments.update(status="lapsed", amount_authorized=0)
    html = block(held)
    assert "will be reserved again when you confirm" in html
    assert "vpg-remove" in html
    gateway.authorize(held, "GIFT-2000")
    assert [line.state for line in summarise(held).lines] == ["held"]


def test_what_is_shown_is_escaped(held):
    VoucherPayment.objects.update(code_hint="<b>&")
    assert "…&lt;b&gt;&amp;" in block(held)


def test_a_selected_voucher_is_shown_without_an_amount(shop):
    order = shop.order()
    gateway.select(order, "GIFT-2000")
    html = block(order)
    assert "Will be reserved when you confirm" in html
    assert "vpg-amount" not in html


def test_an_order_whose_currency_changed_says_what_to_do(held):
    held.currency = "GBP"
    assert "The currency of your order has changed." in block(held)


@pytest.mark.parametrize("name", PIECES)
def test_each_piece_may_be_replaced_by_the_shop(shop, settings, tmp_path, name):
    piece = tmp_path / "voucher_payment_gateway" / name
    piece.parent.mkdir()
    piece.write_text("the shop's own piece")
    [engine] = settings.TEMPLATES
    settings.TEMPLATES = [{**engine, "DIRS": [tmp_path]}]
    order = shop.order("50.00")
    shop.voucher("20.00", code="GIFT-2000")
    gateway.authorize(order, "GIFT-2000")
    html = block(order) + block_of("{% load voucher_payments %}{% voucher_story order %}", order)
    assert html.count("the shop's own piece") == 1
    assert "…2000" in html, "the others stay as they were"


def test_an_order_model_without_the_mixin_works(shop, gateway_settings):
    gateway_settings(
        ORDER_MODEL="shop.Invoice",
        ORDER_FIELDS={"number": "reference", "total": "gross", "currency": "money"},
    )
    invoice = Invoice.objects.create(reference="I-1", gross=50)
    shop.voucher("20.00", code="GIFT-2000")
    gateway.authorize(invoice, "GIFT-2000")
    assert summarise(invoice).due == 30


@pytest.mark.parametrize("order", ODD.values(), ids=ODD)
def test_nothing_is_rendered_for_an_order_that_no_voucher_has_to_do_with(shop, order):
    assert block(order) == ""
    story = block_of("{% load voucher_payments %}{% voucher_story order %}", order)
    assert ("No gift voucher was used." in story) == (order is not None)


def test_nothing_is_rendered_where_the_page_has_no_order(shop):
    nothing = SimpleLazyObject(lambda: None)
    for order in ("None", "basket", "basket.order", "order", '""'):
        for tag in ("voucher_payments", "voucher_story"):
            text = f"{{% load voucher_payments %}}{{% {tag} {order} %}}"
            assert block_of(text, None) == block_of(text, nothing) == ""


@pytest.mark.parametrize("value", ["None", "unknown", "order.unknown", '""'])
def test_nothing_is_written_for_an_amount_or_a_time_that_a_page_does_not_have(value):
    text = "{% load voucher_payments %}"
    text += (
        f"{{{{ {value}|voucher_amount:'EUR' }}}}{{{{ {value}|voucher_time }}}}{{{{ 5|voucher_amount:None }}}}"
    )
    assert block_of(text, {}) == ""


def test_the_block_of_an_order_that_costs_less_than_nothing_shows_its_vouchers(held):
    held.total = D("-5.00")
    html = block(held)
    assert "Gift voucher …2000" in html
    assert "<dt>Order total</dt><dd>€0.00</dd>" in html
    assert "€20.00 more is held than it costs" in html


@pytest.mark.parametrize("number", ["", "A" * 60])
def test_the_figures_of_an_order_without_a_usable_number_are_a_clear_error(shop, number):
    with pytest.raises(PaymentStateError, match="number"):
        summarise(shop.order(number=number))


def test_an_order_with_vouchers_and_no_total_is_a_clear_error(held):
    held.total = None
    with pytest.raises(PaymentStateError, match="total"):
        block(held)


def test_the_stylesheet_is_linked(settings):
    settings.STATIC_URL = "/static/"
    linked = block_of("{% load voucher_payments %}{% voucher_styles %}", None)
    assert linked == '<link rel="stylesheet" href="/static/voucher_payment_gateway/checkout.css">'


@pytest.mark.parametrize("name", ["csp_nonce", "_csp_nonce"])
def test_script_and_stylesheet_have_the_nonce_of_the_page_s_policy(shop, name):
    """Both middlewares make the nonce on first use; until then it counts as false."""
    made = []

    class LazyNonce(SimpleLazyObject):
        def __bool__(self):
            return bool(made)

    request = RequestFactory().get("/checkout/")
    setattr(request, name, LazyNonce(lambda: made.append(1) or '"n0nce"'))
    html = block_of(
        "{% load voucher_payments %}{% voucher_styles %}{% voucher_payments order %}", shop.order(), request
    )
    assert html.count(' nonce="&quot;n0nce&quot;"') == 2
    assert '<script type="module" nonce="&quot;n0nce&quot;" src=' in html


def test_a_page_without_a_nonce_names_none(shop):
    assert "nonce" not in block(shop.order())


@pytest.mark.django6
def test_the_script_runs_under_the_policy_of_django_s_own_middleware(shop, settings):
    from django.middleware.csp import ContentSecurityPolicyMiddleware
    from django.utils.csp import CSP

    order = shop.order()
    settings.SECURE_CSP = {"default-src": [CSP.NONE], "script-src": [CSP.NONCE], "style-src": [CSP.NONCE]}

    def page(request):
        text = "{% load voucher_payments %}{% voucher_styles %}{% voucher_payments order %}"
        return HttpResponse(block_of(text, order, request))

    response = ContentSecurityPolicyMiddleware(page)(RequestFactory().get("/checkout/"))
    (nonce,) = set(re.findall(r' nonce="([^"]+)"', response.content.decode()))
    assert f"script-src 'nonce-{nonce}'" in response["Content-Security-Policy"]
