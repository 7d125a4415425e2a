"""System checks: the settings of the adapter, and whether its mixins are where Oscar finds them."""

from typing import Any

from django.core.checks import CheckMessage, Error, Warning, register
from django.core.exceptions import ImproperlyConfigured
from oscar.core.loading import get_class

from voucher_payment_gateway.docs_url import docs_url
from voucher_payment_gateway.hosts.oscar.conf import oscar_settings

__all__ = ["connect"]

LABEL = "voucher_gateway_oscar"


def connect() -> None:
    """Register the checks."""
    register(check_settings)
    register(check_mixins)


def check_settings(**_: Any) -> list[CheckMessage]:
    """Report a wrong setting."""
    try:
        oscar_settings()
    except ImproperlyConfigured as error:
        return [Error(str(error), id=f"{LABEL}.E001")]
    return []


def check_mixins(**_: Any) -> list[CheckMessage]:
    """Report a fork of Oscar's apps that does not mix in the adapter, or where another class stands before it."""
    from voucher_payment_gateway.hosts.oscar.checkout import VoucherPaymentMixin
    from voucher_payment_gateway.hosts.oscar.processing import VoucherEventHandlerMixin

    wanted = (
        ("checkout.views", "PaymentDetailsView", VoucherPaymentMixin, "handle_payment", "W002"),
        ("order.processing", "EventHandler", VoucherEventHandlerMixin, "handle_shipping_event", "W003"),
    )
    return [
        Warning(
            f"{name} of {module} does not use {mixin.__name__}: list it before Oscar's class, and write no {method} "
            "before it. Gift vouchers are not followed there.",
            hint=docs_url("how-to/use-django-oscar"),
            id=f"{LABEL}.{number}",
        )
        for module, name, mixin, method, number in wanted
        if not _is_used(get_class(module, name), mixin, method)
    ]


def _is_used(found: type, mixin: type, method: str) -> bool:
    """Return whether the first class that has the method is the mixin, or one that comes before it and calls it."""
    if not issubclass(found, mixin):
        return False
    before = found.__mro__[: found.__mro__.index(mixin)]
    return method != "handle_payment" or not any(method in vars(each) for each in before)
