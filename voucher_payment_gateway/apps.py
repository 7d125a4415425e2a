"""The Django app."""

from decimal import Decimal
from typing import Any

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class VoucherPaymentGatewayConfig(AppConfig):
    """Registers the system checks, and listens to the shop's events, deletions and new connections of its database;
    orders ask what they sell in gift vouchers.

    All of these are light: what does the work is imported when it is called for the first time."""

    name = "voucher_payment_gateway"
    verbose_name = _("Gift voucher payments")
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from voucher_payment_gateway import checks, deletion, events
        from voucher_payment_gateway.gateway.records import durability
        from voucher_payment_gateway.models import order_mixin

        checks.register()
        events.connect()
        deletion.connect()
        durability.connect()
        order_mixin.connect(_sold_worth)


def _sold_worth(order: Any) -> Decimal:
    from voucher_payment_gateway.payable import sold_worth

    return sold_worth(order)
