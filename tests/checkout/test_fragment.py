"""The responses to the script of the block, and the block of the next page without the script."""

import pytest

from voucher_payment_gateway import gateway
from voucher_payment_gateway.checkout.problems import CODE_MISSING, UNUSABLE

APPLY, REMOVE, STATE = "/vouchers/apply/", "/vouchers/remove/", "/vouchers/state/"
SCRIPT = {"voucher-fragment": "1", "accept": "text/html"}


@pytest.fixture
def script(visit):
    def arrive(order=None):
        client = visit(order, headers=SCRIPT)

        def ask(address, form=None):
            response = client.get(address) if form is None else client.post(address, form)
            return response, " ".join(response.content.decode().split())

        return ask

    return arrive


def test_a_voucher_is_shown_in_the_block_with_a_notice(shop, script):
    shop.voucher("20.00", code="GIFT-2000")
    response, html = script(shop.order("50.00"))(APPLY, {"code": "GIFT-2000", "next": "/checkout/"})
    assert (response.status_code, response["Voucher-Fragment"]) == (200, "block")
    assert "no-store" in response["Cache-Control"]
    assert html.startswith("<section") or html.index("<section") < 5
    assert "€20.00 of gift voucher …2000 is held for you" in html
    assert 'data-vpg-due="30.00"' in html
    assert html.count('name="next" value="/checkout/"') == 2
    assert "csrfmiddlewaretoken" in html


def test_an_unusable_code_marks_its_field_and_asks_for_the_pin(shop, script):
    response, html = script(shop.order())(APPLY, {"code": "CANARY-1"})
    assert response.status_code == 422
    assert f'id="vpg-problem" data-vpg-notice>{UNUSABLE.message}</p>' in html
    assert 'aria-invalid="true" aria-describedby="vpg-problem" autofocus' in html
    assert '<details class="vpg-pin" open>' in html
    assert "CANARY" not in html


def test_a_missing_code_does_not_ask_for_a_pin(shop, script):
    _, html = script(shop.order())(APPLY, {"code": " "})
    assert CODE_MISSING.message in html
    assert '<details class="vpg-pin">' in html


def test_trouble_that_is_no_field_s_fault_is_a_notice(shop, script):
    shop.cloud.faults.next("before:503", times=None)
    response, html = script(shop.order())(APPLY, {"code": "GIFT-2000"})
    assert response.status_code == 503
    assert '<p class="vpg-notice vpg-notice--problem" data-vpg-notice>Gift vouchers cannot be checked' in html
    assert "aria-invalid" not in html


def test_the_messages_of_the_page_are_left_alone(shop, script, messages_of):
    response, _ = script(shop.order())(APPLY, {"code": "NOBODY"})
    assert messages_of(response) == []


def test_the_state_is_shown_without_a_notice(shop, script):
    order = shop.order("50.00")
    shop.voucher("20.00", code="GIFT-2000")
    gateway.authorize(order, "GIFT-2000")
    response, html = script(order)(f"{STATE}?next=/pay/")
    assert response.status_code == 200
    assert "Held for you until" in html
    assert "data-vpg-notice" not in html
    assert html.count('name="next" value="/pay/"') == 2


def test_without_an_order_the_script_is_sent_back_to_the_page(shop, script):
    assert script()(APPLY, {"code": "GIFT", "next": "/checkout/"})[0].url == "/checkout/"
    assert script()(f"{STATE}?next=/checkout/")[0].url == "/checkout/"
    assert script()(f"{STATE}?next=//evil.example")[0].url == "/"


def test_the_next_page_marks_the_field_once_and_asks_for_the_pin(shop, visit):
    from tests.checkout.test_block import block_for

    order = shop.order()
    client = visit(order)
    request = client.post(APPLY, {"code": "CANARY-1"}).wsgi_request
    assert "CANARY" not in str(dict(request.session))
    shown = block_for(order, request.session)
    assert 'aria-invalid="true" aria-describedby="vpg-problem"' in shown
    assert UNUSABLE.message in shown
    assert '<details class="vpg-pin" open>' in shown
    assert "aria-invalid" not in block_for(order, request.session)


def test_that_an_order_is_covered_stands_once_in_the_block(shop, script):
    shop.voucher("20.00", code="GIFT-2000")
    _, html = script(shop.order("15.00"))(APPLY, {"code": "GIFT-2000"})
    assert html.count("Your order is fully covered.") == 1
    assert "is held for you. Nothing is left to pay.</p>" in html
