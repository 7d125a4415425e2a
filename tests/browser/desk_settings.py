"""The test shop as a server of its own with a German admin: Django's own one, or django-unfold's."""

import os

from tests.settings import *  # noqa: F403
from tests.settings import INSTALLED_APPS as APPS
from tests.settings import MIDDLEWARE as OURS
from tests.settings import VOUCHER_PAYMENT_GATEWAY as GATEWAY
from tests.settings import database

INSTALLED_APPS = [
    *(["unfold"] if os.environ.get("DESK_ADMIN") == "unfold" else []),
    *APPS,
    "django.contrib.staticfiles",
]
MIDDLEWARE = [*OURS[:1], "django.middleware.locale.LocaleMiddleware", *OURS[1:]]
ROOT_URLCONF = "tests.browser.desk_urls"
ALLOWED_HOSTS = ["127.0.0.1"]
LANGUAGE_CODE = "de"
TIME_ZONE = "Europe/Berlin"
STATIC_URL = "/static/"
DATABASES = {"default": {**database(""), "NAME": os.environ.get("DESK_DATABASE", ":memory:")}}
VOUCHER_PAYMENT_GATEWAY = {
    **GATEWAY,
    "BASE_URL": os.environ.get("DESK_CLOUD", ""),
    "SOLD_VOUCHERS": "tests.shop.sold.vouchers",
    "VOUCHER_DELIVERY": "page",
}
