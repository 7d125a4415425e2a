"""The Django app of this adapter: it keeps the host's rows in step with the gateway."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class DjangoPaymentsConfig(AppConfig):
    """Listens to the signals of the gateway and to saved ``Payment`` rows."""

    name = "voucher_payment_gateway.hosts.django_payments"
    label = "voucher_django_payments"
    verbose_name = _("Gift vouchers for django-payments")

    def ready(self) -> None:
        from voucher_payment_gateway.hosts.django_payments import receivers

        receivers.connect()
