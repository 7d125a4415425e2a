"""The Oscar shop of the demo: for trying things out on one machine, not for the internet."""

import os
from pathlib import Path

from tests.hosts.oscar import settings as shop
from tests.mail_settings import mail_settings
from tests.settings import database

globals().update({name: value for name, value in vars(shop).items() if name.isupper()})

FOLDER = Path(os.environ["OSCAR_DEMO_FOLDER"])
DEBUG = True
ALLOWED_HOSTS = ["localhost", "127.0.0.1"]
INSTALLED_APPS = [
    app.replace("tests.hosts.oscar.checkout.", "tests.hosts.oscar.demo_checkout.")
    for app in shop.INSTALLED_APPS
]
ROOT_URLCONF = "tests.hosts.oscar.demo_urls"
LANGUAGE_CODE = "en-gb"
LANGUAGES = [("en-gb", "English"), ("de", "Deutsch")]
TIME_ZONE = "Europe/Berlin"
SESSION_COOKIE_NAME, CSRF_COOKIE_NAME, LANGUAGE_COOKIE_NAME = (
    "oscar_demo",
    "oscar_demo_csrf",
    "oscar_demo_language",
)
MEDIA_ROOT = FOLDER / "media"
MEDIA_ROOT.mkdir(parents=True, exist_ok=True)
DATABASES = {
    "default": {
        **database(""),
        "NAME": FOLDER / "shop.sqlite3",
        "OPTIONS": {
            "timeout": 20,
            "init_command": "PRAGMA journal_mode=wal",
            "transaction_mode": "IMMEDIATE",
        },
    }
}
globals().update(
    mail_settings("django.core.mail.backends.filebased.EmailBackend", file_path=FOLDER / "mails")
)
DEFAULT_FROM_EMAIL = OSCAR_FROM_EMAIL = "shop@corner-shop.example"

VOUCHER_PAYMENT_GATEWAY = {
    **shop.VOUCHER_PAYMENT_GATEWAY,
    "BASE_URL": os.environ.get("OSCAR_DEMO_CLOUD", ""),
    "CODE_NORMALISER": "voucher_payment_gateway.codes.forgiving",
    "SHOP_URL": os.environ.get("OSCAR_DEMO_URL", ""),
    "THROTTLE": {"address": "10000/1h", "holds": "10000/1h"},  # all visitors have one address
}
