"""A process that posts one request to the host's API and is killed on the way. Python's fork server imports this module
once."""

import django

django.setup()

from django.urls import resolve  # noqa: E402
from oscar.core.loading import get_model  # noqa: E402

from tests.hosts import foreign_warnings  # noqa: E402
from tests.hosts.killed import pass_points  # noqa: E402
from tests.hosts.oscar_api_checkout.shop import Buyer  # noqa: E402

__all__ = ["run"]

MODELS = [get_model("order", "Order"), *(get_model("payment", name) for name in ("Source", "Transaction"))]

foreign_warnings.ignore()
resolve("/api/checkout/")  # loads every view, once for all processes


def run(database, base_url, basket, cookies, payment, crash_at, to_parent):
    """Post the basket with these means of payment, and be killed at ``crash_at``: a crash point of the gateway, or a
    save of one of Oscar's records."""

    def act():
        buyer = Buyer()
        buyer.basket = basket
        buyer.client.cookies.load(cookies)
        buyer.checkout(**payment)

    pass_points(act, MODELS, database, base_url, crash_at, to_parent)
