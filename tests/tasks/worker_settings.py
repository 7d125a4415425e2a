"""The settings of the workers, and of the program that starts them. What differs comes from the environment:
``DATABASE_URL``, ``WORKER_DATABASE`` (its name), ``WORKER_BASE_URL``, ``WORKER_FOLDER`` for mails, and
``WORKER_QUEUE``: ``celery`` with the address of ``WORKER_BROKER``, or ``django``.
"""

import os
from importlib.util import find_spec

from tests.docs.pages import DOCS, blocks
from tests.mail_settings import mail_settings
from tests.settings import *  # noqa: F403
from tests.settings import DATABASES, INSTALLED_APPS, VOUCHER_PAYMENT_GATEWAY

DEBUG = False
LOGGING_CONFIG = None
FOLDER = os.environ["WORKER_FOLDER"]

CELERY, DJANGO = (
    block.text
    for block in blocks(DOCS / "how-to/run-in-the-background.md")
    if block.option("append") == "shop_project/settings.py"
)

DATABASES["default"]["NAME"] = os.environ.get("WORKER_DATABASE") or DATABASES["default"]["NAME"]
DATABASES["default"]["TEST"]["MIGRATE"] = False  # the tables alone
globals().update(mail_settings("tests.tasks.mailbox.Mailbox", file_path=FOLDER))
VOUCHER_PAYMENT_GATEWAY = {
    **VOUCHER_PAYMENT_GATEWAY,
    "BASE_URL": os.environ.get("WORKER_BASE_URL", "http://127.0.0.1:9/v1"),
    "SOLD_VOUCHERS": "tests.shop.sold.vouchers",
    "SHOP_URL": "https://shop.example",
    "REMIND_DAYS": 14,
}

if os.environ["WORKER_QUEUE"] == "celery":
    exec(CELERY)
    CELERY_BROKER_URL = CELERY_RESULT_BACKEND = os.environ["WORKER_BROKER"]
    CELERY_BROKER_TRANSPORT_OPTIONS = {"visibility_timeout": 5}  # a dead worker's task comes back soon
    CELERY_WORKER_PREFETCH_MULTIPLIER = 1
else:
    INSTALLED_APPS = [*INSTALLED_APPS, *(["django_tasks"] if find_spec("django.tasks") is None else [])]
    exec(DJANGO)
