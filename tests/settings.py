"""A Django project around the test shop. ``DATABASE_URL`` names another database than SQLite."""

import os
from pathlib import Path
from tempfile import gettempdir
from urllib.parse import unquote, urlsplit

DEBUG = True
SECRET_KEY = "only-for-tests"
USE_TZ = True
ROOT_URLCONF = "tests.urls"
INSTALLED_APPS = [
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.messages",
    "django.contrib.sessions",
    "voucher_payment_gateway",
    "tests.shop",
]
MIDDLEWARE = [
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
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
            ]
        },
    }
]
MAILERS = {"default": {"BACKEND": "django.core.mail.backends.locmem.EmailBackend"}}  # Django 6.1 asks for it
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]


SERVERS = {
    **dict.fromkeys(("postgres", "postgresql"), "django.db.backends.postgresql"),
    **dict.fromkeys(("mysql", "mariadb"), "django.db.backends.mysql"),
}


def database(url: str) -> dict[str, object]:
    parts = urlsplit(url)
    if engine := SERVERS.get(parts.scheme):
        return {
            "ENGINE": engine,
            "NAME": parts.path.lstrip("/"),
            "USER": unquote(parts.username or ""),
            "PASSWORD": unquote(parts.password or ""),
            "HOST": parts.hostname or "",
            "PORT": parts.port or "",
            "TEST": {"NAME": f"test_voucher_payment_gateway_{os.getpid()}"},
        }
    return {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": ":memory:",
        "OPTIONS": {"timeout": 20, "init_command": "PRAGMA journal_mode=wal; PRAGMA synchronous=normal;"},
        # a file, not memory, so that threads share it as in production
        "TEST": {"NAME": str(Path(gettempdir()) / f"voucher_payment_gateway-{os.getpid()}.sqlite3")},
    }


DATABASES = {"default": database(os.environ.get("DATABASE_URL", ""))}

VOUCHER_PAYMENT_GATEWAY = {
    "ENVIRONMENT": "local",
    "CLIENT_ID": "local-shop",
    "CLIENT_SECRET": "local-shop-secret",
    "ORDER_MODEL": "shop.Order",
    "SEALING_KEYS": ["7Ck0bqLoWiTBSC5VbTEWIlIYv8ubAgdV3tqzJtsGqpk="],
    "CHECKOUT_ORDER": "tests.shop.checkout.current_order",
    "EVENTS": {
        "authorize": "tests.shop.signals.confirmed",
        "capture": "tests.shop.signals.shipped",
        "refund": "tests.shop.signals.returned",
        "cancel": "tests.shop.signals.aborted",
    },
    "THROTTLE": {"refusal_seconds": 0},
    "SLOW_CALLS": 10_000,  # a slow machine is no slow Voucher Cloud
}
