from tests.shops.base import *  # noqa: F403
from tests.shops.base import EVENTS, GATEWAY, INSTALLED_APPS

INSTALLED_APPS = [*INSTALLED_APPS, "rest_framework", "tests.shops.drf"]
ROOT_URLCONF = "tests.shops.drf.urls"
REST_FRAMEWORK = {
    "EXCEPTION_HANDLER": "tests.shops.drf.views.gift_voucher_errors",
    "UNAUTHENTICATED_USER": None,
}
VOUCHER_PAYMENT_GATEWAY = {
    **GATEWAY,
    "ORDER_MODEL": "shop.Order",
    "CHECKOUT_ORDER": "tests.shops.drf.models.current_order",
    "EVENTS": EVENTS,
}
