"""Settings that the shops have in common: a project of its own around each, with its own order model."""

import os
from pathlib import Path
from tempfile import gettempdir
from typing import Any

SECRET_KEY = "only-for-tests"
USE_TZ = True
DEBUG = True
ROOT_URLCONF = "tests.shops.urls"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.messages",
    "django.contrib.sessions",
    "voucher_payment_gateway",
]
MIDDLEWARE = [
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
]
TEMPLATES: list[dict[str, Any]] = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.messages.context_processors.messages",
            ]
        },
    }
]
DATABASES: dict[str, dict[str, Any]] = {
    "default": {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": ":memory:",
        "OPTIONS": {"timeout": 20},
        # a file, so that threads share it as in production
        "TEST": {"NAME": str(Path(gettempdir()) / f"voucher_payment_gateway-shop-{os.getpid()}.sqlite3")},
    }
}
EVENTS = {
    "authorize": "tests.shops.signals.confirmed",
    "capture": "tests.shops.signals.shipped",
    "refund": "tests.shops.signals.returned",
    "cancel": "tests.shops.signals.aborted",
}
GATEWAY: dict[str, Any] = {
    "ENVIRONMENT": "local",
    "CLIENT_ID": "local-shop",
    "CLIENT_SECRET": "local-shop-secret",
    "SEALING_KEYS": ["7Ck0bqLoWiTBSC5VbTEWIlIYv8ubAgdV3tqzJtsGqpk="],
    "THROTTLE": {"refusal_seconds": 0},
}
