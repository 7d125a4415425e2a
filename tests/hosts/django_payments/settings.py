"""A shop that takes payments by django-payments: gift vouchers and PayPal."""

import os

from tests.settings import (
    MIDDLEWARE,
    PASSWORD_HASHERS,
    SECRET_KEY,
    TEMPLATES,
    USE_TZ,
    database,
)
from tests.settings import VOUCHER_PAYMENT_GATEWAY as GATEWAY

__all__ = ["MIDDLEWARE", "PASSWORD_HASHERS", "SECRET_KEY", "TEMPLATES", "USE_TZ"]

DEBUG = True
STATIC_URL = "/static/"
ROOT_URLCONF = "tests.hosts.django_payments.urls"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
DATABASES = {"default": database(os.environ.get("DATABASE_URL", ""))}

INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.messages",
    "django.contrib.sessions",
    "payments",
    "voucher_payment_gateway",
    "voucher_payment_gateway.hosts.django_payments",
    "tests.hosts.django_payments",
]

PAYMENT_HOST = "shop.example"
PAYMENT_MODEL = "django_payments.Payment"
PAYMENT_VARIANTS = {
    "voucher": (
        "voucher_payment_gateway.hosts.django_payments.VoucherProvider",
        {"capture": False, "lower_total": True},
    ),
    "voucher-at-once": ("voucher_payment_gateway.hosts.django_payments.VoucherProvider", {}),
    "paypal": (
        "payments.paypal.PaypalProvider",
        {"client_id": "shop", "secret": "only-for-tests", "endpoint": "https://api.paypal.example"},
    ),
}
SILENCED_SYSTEM_CHECKS = ["voucher_payment_gateway.W034"]
VOUCHER_PAYMENT_GATEWAY = {
    **{key: GATEWAY[key] for key in ("ENVIRONMENT", "CLIENT_ID", "CLIENT_SECRET", "THROTTLE")},
    "SEALING_KEYS": ["dHV0b3JpYWwta2V5LW5ldmVyLWluLXByb2R1Y3Rpb24="],
    "ORDER_MODEL": "django_payments.Payment",
    "ORDER_ADAPTER": "voucher_payment_gateway.hosts.django_payments.PaymentAdapter",
}
