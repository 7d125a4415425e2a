"""The application of the adapter: list it before Oscar's own in ``INSTALLED_APPS``, and its tabs
appear in the dashboard and in the account."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _

__all__ = ["VoucherGatewayOscarConfig"]


class VoucherGatewayOscarConfig(AppConfig):
    """Keeps Oscar's records in step with the gateway. Its label never meets that of ``oscar.apps.voucher``, Oscar's app
    of discount codes."""

    name = "voucher_payment_gateway.hosts.oscar"
    label = "voucher_gateway_oscar"
    verbose_name = _("Gift vouchers in django-oscar")
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from voucher_payment_gateway.hosts.oscar import (
            checks,
            event_types,
            selling_events,
            selling_price,
            sources,
        )

        checks.connect()
        event_types.connect()
        sources.connect()
        selling_events.connect()
        selling_price.connect()
