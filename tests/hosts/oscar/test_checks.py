"""What is wrong in a shop's settings or forks is reported when it starts."""

import pytest
from django.core.checks import run_checks
from oscar.apps.checkout import views
from oscar.apps.order import processing
from oscar.core.loading import get_class

from voucher_payment_gateway.hosts.oscar import checks
from voucher_payment_gateway.hosts.oscar.checkout import VoucherPaymentMixin


@pytest.fixture(autouse=True)
def _development(settings):
    settings.DEBUG = True  # as where the local Voucher Cloud is used


def told():
    """Return the problems that concern gift vouchers."""
    return [each.id for each in run_checks() if each.id.startswith("voucher") and not each.is_silenced()]


def test_the_shop_has_no_mistake():
    assert told() == []


@pytest.mark.parametrize(
    "wrong", [{"SHIPING_EVENTS": ["Shipped"]}, {"REFUND_EVENTS": []}, {"REPEAT_SECONDS": -1}]
)
def test_a_wrong_setting_is_told(settings, wrong):
    settings.VOUCHER_PAYMENT_GATEWAY_OSCAR = wrong
    assert told() == ["voucher_gateway_oscar.E001"]


class OwnPayment(VoucherPaymentMixin, views.PaymentDetailsView):
    def handle_payment(self, order_number, total, **kwargs):
        """Would be asked for all of the total, and no voucher would pay."""


@pytest.mark.parametrize("view", [views.PaymentDetailsView, OwnPayment])
def test_a_checkout_without_the_mixin_is_told(monkeypatch, view):
    found = {"PaymentDetailsView": view, "EventHandler": get_class("order.processing", "EventHandler")}
    monkeypatch.setattr(checks, "get_class", lambda module, name: found[name])
    assert told() == ["voucher_gateway_oscar.W002"]


def test_an_event_handler_without_the_mixin_is_told(monkeypatch):
    found = {
        "PaymentDetailsView": get_class("checkout.views", "PaymentDetailsView"),
        "EventHandler": processing.EventHandler,
    }
    monkeypatch.setattr(checks, "get_class", lambda module, name: found[name])
    assert told() == ["voucher_gateway_oscar.W003"]
