from tests.shops.base import *  # noqa: F403
from tests.shops.base import EVENTS, GATEWAY
from tests.shops.recipes import run

INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "voucher_payment_gateway",
    "tests.shops.headless",
]
run("A headless shop", globals(), "MIDDLEWARE")
TEMPLATES = [{"BACKEND": "django.template.backends.django.DjangoTemplates", "APP_DIRS": True}]
LANGUAGES = [("en", "English"), ("de", "Deutsch")]
VOUCHER_PAYMENT_GATEWAY = {
    **GATEWAY,
    "ORDER_MODEL": "headless.Order",
    "CHECKOUT_ORDER": "tests.shops.headless.models.current_order",
    "EVENTS": EVENTS,
}
