"""Checks of the settings of a shop that sells gift vouchers."""

from collections.abc import Iterator

import django
from django.conf import settings
from django.http import HttpRequest

from voucher_payment_gateway.checks.catalogue import Messages, report
from voucher_payment_gateway.checks.dotted import callable_problem
from voucher_payment_gateway.checks.driving import driven_verbs
from voucher_payment_gateway.checks.site import is_heard
from voucher_payment_gateway.conf import GatewaySettings
from voucher_payment_gateway.signals import voucher_activated

__all__ = ["CHECKS", "DEPLOYMENT_CHECKS"]

SENDING_NOTHING = ("console", "dummy", "filebased", "locmem")
"""Django's mail backends for development and tests."""


def _callables(given: GatewaySettings) -> Messages:
    for key, path, argument, returned in _named(given):
        if problem := callable_problem(path, argument, returns=returned):
            yield report("E052", problem.message, key=key, path=path, problem=problem.text)


def _named(given: GatewaySettings) -> Iterator[tuple[str, str, object, str]]:
    yield "SOLD_VOUCHERS", given.SOLD_VOUCHERS, object(), "vouchers"
    yield "ORDER_IS_PAID", given.ORDER_IS_PAID, object(), "answer"
    yield "CUSTOMER_ORDERS", given.CUSTOMER_ORDERS, HttpRequest(), "numbers"


def _sealed(given: GatewaySettings) -> Messages:
    if given.SOLD_VOUCHERS and not given.SEALING_KEYS:
        yield report("E053", "no_key")


def _activated(given: GatewaySettings) -> Messages:
    if given.SOLD_VOUCHERS and "activate" not in driven_verbs(given):
        keys = " and ".join(key for key in ("EVENTS", "ON_STATUS") if getattr(given, key))
        yield report("W054", "no_activate", keys=keys or "EVENTS and ON_STATUS")


def _heard(given: GatewaySettings) -> Messages:
    if given.SOLD_VOUCHERS and given.VOUCHER_DELIVERY == "signal" and not is_heard(voucher_activated):
        yield report("W056", "unheard")


def _mailed(given: GatewaySettings) -> Messages:
    backend = _mail_backend()
    is_django_s, _, kind = backend.removesuffix(".EmailBackend").rpartition(".")
    if not given.SOLD_VOUCHERS or given.VOUCHER_DELIVERY != "mail":
        return
    if is_django_s == "django.core.mail.backends" and kind in SENDING_NOTHING:
        yield report("W057", "no_mail", backend=backend)


def _mail_backend() -> str:
    """Return the path of the default mail backend: from Django 6.1 on ``MAILERS`` names it, where the shop has that."""
    mailers = getattr(settings, "MAILERS", None)
    if django.VERSION >= (6, 1) and mailers:
        return str(mailers.get("default", {}).get("BACKEND", ""))
    return str(getattr(settings, "EMAIL_BACKEND", ""))


CHECKS = (_callables, _sealed, _activated, _heard)
DEPLOYMENT_CHECKS = (_mailed,)
