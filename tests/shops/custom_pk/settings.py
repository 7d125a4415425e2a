from tests.shops.base import *  # noqa: F403
from tests.shops.base import EVENTS, GATEWAY, INSTALLED_APPS

INSTALLED_APPS = [*INSTALLED_APPS, "tests.shops.custom_pk"]
VOUCHER_PAYMENT_GATEWAY = {
    **GATEWAY,
    "ORDER_MODEL": "custom_pk.Purchase",
    "ORDER_FIELDS": {"number": "reference", "total": "gross", "currency": "currency"},
    "CHECKOUT_ORDER": "tests.shops.custom_pk.models.current",
    "EVENTS": EVENTS,
}
