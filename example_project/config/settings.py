"""Settings of the example shop: for trying things out on one machine, not for the internet."""

import json
import os
from base64 import urlsafe_b64encode
from pathlib import Path

import django

BASE_DIR = Path(__file__).resolve().parent.parent
VAR_DIR = Path(os.environ.get("EXAMPLE_VAR_DIR", BASE_DIR / "var"))
VAR_DIR.mkdir(parents=True, exist_ok=True)

SECRET_KEY = "demo-only: a real shop keeps its own secret outside of the code"
DEBUG = True
ALLOWED_HOSTS = ["localhost", "127.0.0.1"]

INSTALLED_APPS = [
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "shop",  # before the gateway, so that its templates of the same name win
    "voucher_payment_gateway",
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "shop.security.content_security_policy",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]

ROOT_URLCONF = "config.urls"
WSGI_APPLICATION = "config.wsgi.application"

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "django.template.context_processors.i18n",
                "shop.basket.context",
            ],
        },
    },
]

DATABASES = {
    "default": {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": VAR_DIR / "shop.sqlite3",
        "OPTIONS": {
            "init_command": "PRAGMA journal_mode=WAL",
            "timeout": 10,
            "transaction_mode": "IMMEDIATE",
        },
    }
}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

LANGUAGE_CODE = "en-gb"
LANGUAGES = [("en-gb", "English"), ("de", "Deutsch")]
LANGUAGE_COOKIE_NAME = "example_shop_language"
TIME_ZONE = "Europe/Berlin"
USE_TZ = True
STATIC_URL = "static/"

LOGIN_URL = "login"
LOGIN_REDIRECT_URL = "staff_orders"
LOGOUT_REDIRECT_URL = "catalogue"
SESSION_COOKIE_NAME = "example_shop_session"
CSRF_COOKIE_NAME = "example_shop_csrf"
CSRF_COOKIE_HTTPONLY = True

SHOP_CURRENCY = "EUR"

# Mails are written into files: nothing leaves this machine.
DEFAULT_FROM_EMAIL = "Kettle & Leaf <shop@kettle-and-leaf.example>"
MAIL_DIR = VAR_DIR / "mails"
FILE_BACKEND = "django.core.mail.backends.filebased.EmailBackend"
if django.VERSION >= (6, 1):
    MAILERS = {"default": {"BACKEND": FILE_BACKEND, "OPTIONS": {"file_path": MAIL_DIR}}}
else:
    EMAIL_BACKEND, EMAIL_FILE_PATH = FILE_BACKEND, MAIL_DIR

# The whole integration: which of the shop's events calls which verb of the gateway.
VOUCHER_PAYMENT_GATEWAY = {
    "ENVIRONMENT": "local",
    "BASE_URL": os.environ.get("VOUCHER_CLOUD_URL", ""),
    "TIMEOUT_SECONDS": float(os.environ.get("VOUCHER_TIMEOUT_SECONDS", "5")),
    "CLIENT_ID": "local-shop",
    "CLIENT_SECRET": "local-shop-secret",
    "ORDER_MODEL": "shop.Order",
    "CHECKOUT_ORDER": "shop.checkout.current_order",
    "CODE_NORMALISER": "voucher_payment_gateway.codes.forgiving",
    "EVENTS": {
        "authorize": "shop.signals.checkout_confirmed",
        "capture": "shop.signals.order_shipped",
        "refund": "shop.signals.goods_returned",
        "cancel": "shop.signals.order_cancelled",
        "issue": "shop.signals.checkout_confirmed",
        "activate": "shop.signals.order_paid",
        "take_back": "shop.signals.gift_vouchers_returned",
    },
    # Gift vouchers that the shop sells.
    "SOLD_VOUCHERS": "shop.gift_sales.vouchers",
    "ORDER_IS_PAID": "shop.gift_sales.is_paid",
    "CUSTOMER_ORDERS": "shop.gift_sales.customer_orders",
    "VOUCHER_DELIVERY": "mail",
    "BALANCE_CHECK": True,
    "REMIND_DAYS": 30,
    # In the admin: above this a second member of the staff must approve.
    "REFUND_APPROVAL_ABOVE": {"EUR": os.environ.get("EXAMPLE_APPROVAL_ABOVE", "100.00")},
    "SHOP_URL": os.environ.get("EXAMPLE_SHOP_URL", "http://127.0.0.1:8000"),
    # The operator's meanings of the Voucher Cloud's error codes; the local Voucher Cloud has no fixed codes.
    "ERROR_MEANINGS": json.loads(os.environ.get("EXAMPLE_ERROR_MEANINGS", "{}")),
    # All visitors of the demo have one address: the browser tests raise its limits.
    "THROTTLE": json.loads(os.environ.get("EXAMPLE_THROTTLE", "{}")),
    # For the demo only. A real shop generates its own key: cryptography.fernet.Fernet.generate_key()
    "SEALING_KEYS": [urlsafe_b64encode(b"demo-key-never-use-in-production").decode()],
}
