"""The state of a shop that sells vouchers at the beginning of a scenario."""

from unittest import mock

from django.core.mail.backends.filebased import EmailBackend

from tests.proofs.crash import sale_actions
from tests.proofs.crash.handed_over import order_file
from tests.proofs.crash.setups import Cloud
from tests.proofs.crash.shop import later, order
from tests.shop import sold as sold_by_the_shop

UNPAID_SECONDS = 15 * 24 * 3600
EXPIRES_SOON = {"a": {"validity_value": 10, "validity_interval": "days"}}


def sells(cloud: Cloud) -> None:
    """The order sells a voucher; nothing is done about it yet."""
    order("50.00", note="a=50.00")


def issued(cloud: Cloud) -> None:
    sells(cloud)
    sale_actions.issue()


def sold(cloud: Cloud) -> None:
    sells(cloud)
    sale_actions.activate()


def never_sold(cloud: Cloud) -> None:
    """The order was paid otherwise, and sold nothing."""
    order("50.00")


def never_paid(cloud: Cloud) -> None:
    """The order was not paid within ``UNPAID_SALE_DAYS``."""
    issued(cloud)
    later(UNPAID_SECONDS)


def not_mailed(cloud: Cloud) -> None:
    """The voucher is active, and the mail server did not take its code."""
    with mock.patch.object(EmailBackend, "send_messages", side_effect=OSError):
        sold(cloud)


def expires_soon(cloud: Cloud) -> None:
    """The voucher was sold and mailed, and expires within ``REMIND_DAYS``."""
    with mock.patch.dict(sold_by_the_shop.DETAILS, EXPIRES_SOON):
        sold(cloud)


def batch_is_wanted(cloud: Cloud) -> None:
    """Two vouchers are to be issued in bulk, without an order."""
    never_sold(cloud)
    order_file().write_text("key,amount,currency\nx,50.00,EUR\ny,20.00,EUR\n")
