from tests.shops.base import *  # noqa: F403
from tests.shops.base import DATABASES, EVENTS, GATEWAY, INSTALLED_APPS

INSTALLED_APPS = [*INSTALLED_APPS, "tests.shops.atomic"]
ROOT_URLCONF = "tests.shops.atomic.urls"
DATABASES = {"default": {**DATABASES["default"], "ATOMIC_REQUESTS": True}}
VOUCHER_PAYMENT_GATEWAY = {
    **GATEWAY,
    "ORDER_MODEL": "shop.Order",
    "CHECKOUT_ORDER": "tests.shops.atomic.models.current",
    "EVENTS": EVENTS,
}
