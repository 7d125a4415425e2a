"""A headless Oscar shop: its checkout is the REST API of django-oscar-api-checkout. Needs Python 3.12.

``DATABASE_URL`` names another database than SQLite.
"""

import os
import warnings

from oscar import INSTALLED_APPS as OSCAR_APPS
from oscar.defaults import *  # noqa: F403

from tests.settings import PASSWORD_HASHERS, database

HOST_PACKAGES = (
    "oscar|oscarapi|oscarapicheckout|haystack|treebeard|django_tables2|sorl|widget_tweaks|drf_recaptcha"
)
warnings.filterwarnings("ignore", module=f"({HOST_PACKAGES})($|[.])")

DEBUG = False
ALLOWED_HOSTS = ["*"]
SECRET_KEY = "only-for-tests"
USE_TZ = True
TIME_ZONE = "UTC"
SITE_ID = 1
ROOT_URLCONF = "tests.hosts.oscar_api_checkout.urls"
STATIC_URL = "/static/"
MEDIA_URL = "/media/"

FORKED = {"oscar.apps.order.apps.OrderConfig": "tests.hosts.oscar_api_checkout.order.apps.OrderConfig"}
"""The app that a shop forks, in Oscar's own way, for its ``EventHandler``."""

INSTALLED_APPS = [
    "voucher_payment_gateway.hosts.oscar.apps.VoucherGatewayOscarConfig",
    *(FORKED.get(app, app) for app in OSCAR_APPS),
    "rest_framework",
    "oscarapi",
    "oscarapicheckout",
    "voucher_payment_gateway",
]
FORKABLE = (
    "address analytics basket catalogue communication customer offer order partner payment shipping voucher"
)
OTHERS = "reviews wishlists auth contenttypes sites flatpages sessions oscarapi oscarapicheckout voucher_payment_gateway"
MIGRATION_MODULES = dict.fromkeys(
    [*FORKABLE.split(), *OTHERS.split()]
)  # tables from the models: minutes faster
MIDDLEWARE = [
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
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
                "oscar.core.context_processors.metadata",
            ]
        },
    }
]
AUTHENTICATION_BACKENDS = ["django.contrib.auth.backends.ModelBackend"]
MAILERS = {"default": {"BACKEND": "django.core.mail.backends.locmem.EmailBackend"}}  # Django 6.1 asks for it
HAYSTACK_CONNECTIONS = {"default": {"ENGINE": "haystack.backends.simple_backend.SimpleEngine"}}
HAYSTACK_SIGNAL_PROCESSOR = "haystack.signals.BaseSignalProcessor"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
DATABASES = {"default": database(os.environ.get("DATABASE_URL", ""))}

OSCAR_SHOP_NAME = "Corner shop"
OSCAR_DEFAULT_CURRENCY = "EUR"
OSCAR_ALLOW_ANON_CHECKOUT = True
ORDER_STATUS_PENDING = "Pending"
ORDER_STATUS_PAYMENT_DECLINED = "Payment Declined"
ORDER_STATUS_AUTHORIZED = "Authorized"
ORDER_STATUS_SHIPPED = "Shipped"
ORDER_STATUS_CANCELED = "Canceled"
OSCAR_INITIAL_ORDER_STATUS = OSCARAPI_INITIAL_ORDER_STATUS = "Pending"
OSCAR_INITIAL_LINE_STATUS = "Pending"
OSCAR_ORDER_STATUS_PIPELINE = {
    "Pending": ("Payment Declined", "Authorized", "Canceled"),
    "Payment Declined": ("Authorized", "Canceled"),
    "Authorized": ("Shipped", "Canceled"),
    "Shipped": (),
    "Canceled": (),
}
OSCAR_LINE_STATUS_PIPELINE = {"Pending": ("Shipped", "Canceled"), "Shipped": (), "Canceled": ()}

API_ENABLED_PAYMENT_METHODS = [
    {
        "method": "voucher_payment_gateway.hosts.oscar_api_checkout.VoucherPayment",
        "permission": "oscarapicheckout.permissions.Public",
    },
    {"method": "oscarapicheckout.methods.Cash", "permission": "oscarapicheckout.permissions.Public"},
    {
        "method": "tests.hosts.oscar_api_checkout.card.Card",
        "permission": "oscarapicheckout.permissions.Public",
    },
    {"method": "oscarapicheckout.methods.PayLater", "permission": "oscarapicheckout.permissions.Public"},
]
ORDER_AUTHORIZED_AMOUNT_CALCULATOR = "voucher_payment_gateway.hosts.oscar_api_checkout.authorized_amount"

SILENCED_SYSTEM_CHECKS = [
    "voucher_payment_gateway.W035",
    "voucher_gateway_oscar.W002",
]  # no pages of Oscar's checkout

VOUCHER_PAYMENT_GATEWAY = {
    "ENVIRONMENT": "local",
    "CLIENT_ID": "local-shop",
    "CLIENT_SECRET": "local-shop-secret",
    "ORDER_MODEL": "order.Order",
    "ORDER_FIELDS": {"number": "number", "total": "total_incl_tax", "currency": "currency"},
    "SEALING_KEYS": ["7Ck0bqLoWiTBSC5VbTEWIlIYv8ubAgdV3tqzJtsGqpk="],
    "ON_STATUS": {"field": "status", "cancel": ["Canceled"]},
    "THROTTLE": {"refusal_seconds": 0},
}

__all__ = ["HOST_PACKAGES", "PASSWORD_HASHERS"]
