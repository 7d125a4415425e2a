from tests.shops.base import *  # noqa: F403
from tests.shops.base import GATEWAY, INSTALLED_APPS

INSTALLED_APPS = [*INSTALLED_APPS, "tests.shops.foreign_model"]
VOUCHER_PAYMENT_GATEWAY = {
    **GATEWAY,
    "ORDER_MODEL": "foreign_model.Sale",
    "ORDER_ADAPTER": "tests.shops.foreign_model.adapter.SaleAdapter",
    "CHECKOUT_ORDER": "tests.shops.foreign_model.adapter.current",
    "ON_STATUS": {
        "field": "state",
        "authorize": ["confirmed"],
        "capture": ["sent"],
        "refund": ["returned"],
        "cancel": ["void"],
    },
}
