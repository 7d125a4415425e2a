"""An Oscar shop with the adapter. ``DATABASE_URL`` names another database than SQLite."""

import os

from oscar import INSTALLED_APPS as OSCAR_APPS
from oscar.defaults import *  # noqa: F403

from tests.settings import PASSWORD_HASHERS, database

DEBUG = False
ALLOWED_HOSTS = ["*"]
SECRET_KEY = "only-for-tests"
USE_TZ = True
TIME_ZONE = "UTC"
SITE_ID = 1
ROOT_URLCONF = "tests.hosts.oscar.urls"
STATIC_URL = "/static/"
MEDIA_URL = "/media/"

FORKED = {
    "oscar.apps.checkout.apps.CheckoutConfig": "tests.hosts.oscar.checkout.apps.CheckoutConfig",
    "oscar.apps.order.apps.OrderConfig": "tests.hosts.oscar.order.apps.OrderConfig",
    "oscar.apps.basket.apps.BasketConfig": "tests.hosts.oscar.basket.apps.BasketConfig",
    "oscar.apps.partner.apps.PartnerConfig": "tests.hosts.oscar.partner.apps.PartnerConfig",
}
"""The apps that a shop forks, in Oscar's own way, to mix in ours."""

INSTALLED_APPS = [
    # before Oscar's, so that its tabs appear in the dashboard and in the account; before the gateway for its German
    "voucher_payment_gateway.hosts.oscar.apps.VoucherGatewayOscarConfig",
    *(FORKED.get(app, app) for app in OSCAR_APPS),
    "sorl.thumbnail",
    "voucher_payment_gateway",
]
MIGRATION_MODULES = {app: f"oscar.apps.{app}.migrations" for app in ("order", "basket", "partner")}

MIDDLEWARE = [
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.contrib.flatpages.middleware.FlatpageFallbackMiddleware",
    "oscar.apps.basket.middleware.BasketMiddleware",
]
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "oscar.apps.search.context_processors.search_form",
                "oscar.apps.checkout.context_processors.checkout",
                "oscar.apps.communication.notifications.context_processors.notifications",
                "oscar.core.context_processors.metadata",
            ]
        },
    }
]
AUTHENTICATION_BACKENDS = [
    "oscar.apps.customer.auth_backends.EmailBackend",
    "django.contrib.auth.backends.ModelBackend",
]
MAILERS = {"default": {"BACKEND": "django.core.mail.backends.locmem.EmailBackend"}}  # Django 6.1 asks for it
HAYSTACK_CONNECTIONS = {"default": {"ENGINE": "haystack.backends.simple_backend.SimpleEngine"}}
HAYSTACK_SIGNAL_PROCESSOR = "haystack.signals.BaseSignalProcessor"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
DATABASES = {"default": database(os.environ.get("DATABASE_URL", ""))}

OSCAR_SHOP_NAME = "Corner shop"
OSCAR_DEFAULT_CURRENCY = "EUR"
OSCAR_ALLOW_ANON_CHECKOUT = True
OSCAR_INITIAL_ORDER_STATUS = "Pending"
OSCAR_INITIAL_LINE_STATUS = "Pending"
OSCAR_ORDER_STATUS_PIPELINE = {
    "Pending": ("Being processed", "Cancelled"),
    "Being processed": ("Complete", "Cancelled"),
    "Complete": (),
    "Cancelled": (),
}

SILENCED_SYSTEM_CHECKS = [  # the adapter confirms orders, and makes sold gift vouchers valid, itself
    "voucher_payment_gateway.W035",
    "voucher_payment_gateway.W054",
]

VOUCHER_PAYMENT_GATEWAY = {
    "ENVIRONMENT": "local",
    "CLIENT_ID": "local-shop",
    "CLIENT_SECRET": "local-shop-secret",
    "ORDER_MODEL": "order.Order",
    "ORDER_FIELDS": {"total": "total_incl_tax"},
    "CHECKOUT_ORDER": "voucher_payment_gateway.hosts.oscar.facts.current_order",
    "ON_STATUS": {
        "field": "status",
        "capture": ["Complete"],
        "cancel": ["Cancelled"],
        "take_back": ["Cancelled"],
    },
    "SEALING_KEYS": ["7Ck0bqLoWiTBSC5VbTEWIlIYv8ubAgdV3tqzJtsGqpk="],
    "THROTTLE": {"refusal_seconds": 0},
    # Gift vouchers that the shop sells.
    "SOLD_VOUCHERS": "voucher_payment_gateway.hosts.oscar.selling.vouchers",
    "ORDER_IS_PAID": "voucher_payment_gateway.hosts.oscar.selling.is_paid",
    "CUSTOMER_ORDERS": "voucher_payment_gateway.hosts.oscar.account.customer_orders",
}
VOUCHER_PAYMENT_GATEWAY_OSCAR = {"SOLD_IN_BASKET": "voucher_payment_gateway.hosts.oscar.selling.worth_of"}

__all__ = ["PASSWORD_HASHERS"]
