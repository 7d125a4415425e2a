from tests.settings import *  # noqa: F403
from tests.settings import INSTALLED_APPS as OSCAR_APPS

FORKED = {
    "tests._site.apps.checkout.apps.CheckoutConfig": "with_vouchers.checkout.apps.CheckoutConfig",
    "oscar.apps.order.apps.OrderConfig": "with_vouchers.order.apps.OrderConfig",
}
INSTALLED_APPS = [
    *(FORKED.get(app, app) for app in OSCAR_APPS),
    "voucher_payment_gateway",
    "voucher_payment_gateway.hosts.oscar.apps.VoucherGatewayOscarConfig",
]
MIGRATION_MODULES = {"order": "oscar.apps.order.migrations"}
ROOT_URLCONF = "with_vouchers.urls"

VOUCHER_PAYMENT_GATEWAY = {
    "ENVIRONMENT": "local",
    "BASE_URL": "http://127.0.0.1:9/v1",
    "CLIENT_ID": "local-shop",
    "CLIENT_SECRET": "local-shop-secret",
    "ORDER_MODEL": "order.Order",
    "ORDER_FIELDS": {"total": "total_incl_tax"},
    "CHECKOUT_ORDER": "voucher_payment_gateway.hosts.oscar.facts.current_order",
    "ON_STATUS": {"field": "status", "capture": ["B"]},
    "SEALING_KEYS": ["7Ck0bqLoWiTBSC5VbTEWIlIYv8ubAgdV3tqzJtsGqpk="],
}
VOUCHER_PAYMENT_GATEWAY_OSCAR = {
    # Oscar's tests create "Shipped", "Returned" and "Settled" themselves, and each name is there once
    "SHIPPING_EVENTS": ["Parcel sent"],
    "RETURN_EVENTS": ["Parcel returned"],
    "CAPTURE_EVENTS": ["Gift voucher charged"],
    "REFUND_EVENTS": ["Gift voucher refunded"],
}
