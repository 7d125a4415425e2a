"""The project of the tests as in production, with DEBUG off, and with the peers beside it."""

from tests.settings import (
    DATABASES,
    INSTALLED_APPS,
    MIDDLEWARE,
    PASSWORD_HASHERS,
    ROOT_URLCONF,
    SECRET_KEY,
    TEMPLATES,
    USE_TZ,
    VOUCHER_PAYMENT_GATEWAY,
)

__all__ = [
    "DATABASES",
    "MIDDLEWARE",
    "PASSWORD_HASHERS",
    "ROOT_URLCONF",
    "SECRET_KEY",
    "TEMPLATES",
    "USE_TZ",
    "VOUCHER_PAYMENT_GATEWAY",
]

DEBUG = False
ALLOWED_HOSTS = ["testserver", "127.0.0.1"]
INSTALLED_APPS = [*INSTALLED_APPS, "payments", "benchmarks.peers"]
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
PAYMENT_HOST = "shop.example"
PAYMENT_MODEL = "peers.Payment"
PAYMENT_VARIANTS = {"by_requests": ("benchmarks.peers.provider.RequestsProvider", {})}
