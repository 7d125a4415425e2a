from tests.shops.base import *  # noqa: F403
from tests.shops.base import EVENTS, GATEWAY, INSTALLED_APPS
from tests.shops.recipes import run

INSTALLED_APPS = [*INSTALLED_APPS, "djmoney", "tests.shops.money"]
recipe = {}
run("django-money", recipe, "ORDER_FIELDS")
VOUCHER_PAYMENT_GATEWAY = {
    **GATEWAY,
    **recipe["VOUCHER_PAYMENT_GATEWAY"],
    "CHECKOUT_ORDER": "tests.shops.money.models.current",
    "EVENTS": EVENTS,
}
