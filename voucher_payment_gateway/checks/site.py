"""Checks of the site around the checkout: its URLs, messages, sessions and transactions."""

from django.apps import apps
from django.conf import settings
from django.contrib.messages.middleware import MessageMiddleware
from django.core.exceptions import ImproperlyConfigured
from django.db import connections, router
from django.dispatch import Signal
from django.urls import NoReverseMatch

from voucher_payment_gateway.checkout.addresses import addresses, are_included
from voucher_payment_gateway.checks.catalogue import Messages, report
from voucher_payment_gateway.checks.dotted import look_up
from voucher_payment_gateway.conf import NAME, GatewaySettings
from voucher_payment_gateway.delivery.staff_cases import attention_url
from voucher_payment_gateway.models import VoucherOperation
from voucher_payment_gateway.signals import payment_failed

__all__ = ["CHECKS", "has_checkout", "is_heard"]


def has_checkout() -> bool:
    """Return whether the URLs of the checkout are included. A URLconf that fails is reported by Django."""
    if not getattr(settings, "ROOT_URLCONF", None):
        return False
    try:
        return are_included()
    except Exception:
        return False


def _urls(given: GatewaySettings) -> Messages:
    if not has_checkout():
        urlconf = getattr(settings, "ROOT_URLCONF", None)
        if given.CHECKOUT_ORDER and urlconf:  # without one it is no website
            yield report("W037", "not_included", urlconf=urlconf)
        return
    if not given.CHECKOUT_ORDER:
        yield report("E012", "unset")
    try:
        addresses()
    except (NoReverseMatch, ImproperlyConfigured):
        yield report("E029", "no_address")


def _messages(given: GatewaySettings) -> Messages:
    if has_checkout() and not (apps.is_installed("django.contrib.messages") and _stores_messages()):
        yield report("W038", "no_messages")


def _stores_messages() -> bool:
    found = [look_up(path).value for path in settings.MIDDLEWARE]
    return any(isinstance(each, type) and issubclass(each, MessageMiddleware) for each in found)


def _failed_payments(given: GatewaySettings) -> Messages:
    """In a transaction of the whole request no error of the Voucher Cloud reaches the code that caused it."""
    alias = router.db_for_write(VoucherOperation)
    if connections[alias].settings_dict.get("ATOMIC_REQUESTS") and not is_heard(payment_failed):
        yield report("W040", "unheard", alias=alias)


def is_heard(signal: Signal) -> bool:
    """Return whether the shop has connected a receiver; ours, for refunds by status, informs no person."""
    return not all(str(key[0]).startswith(NAME) for key, *_ in signal.receivers)


def _staff_pages(given: GatewaySettings) -> Messages:
    urlconf = getattr(settings, "ROOT_URLCONF", None)
    if given.STAFF_NOTICES and urlconf and not _has_staff_pages():
        yield report("W062", "no_admin", urlconf=urlconf)


def _has_staff_pages() -> bool:
    """Return whether the admin has an address. A URLconf that fails is reported by Django."""
    try:
        return bool(attention_url())
    except Exception:
        return True


CHECKS = (_urls, _messages, _failed_payments, _staff_pages)
