"""A local Voucher Cloud that is served, and the shop connected to it while a test runs."""

import unittest
from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal
from typing import Any

from voucher_payment_gateway.api import VoucherCloud
from voucher_payment_gateway.sandbox import (
    DOCUMENTED,
    Behaviour,
    Clock,
    LocalVoucherCloud,
    VoucherView,
    serve,
)
from voucher_payment_gateway.testing import shop

__all__ = ["LocalVoucherCloudMixin", "ServedVoucherCloud", "local_voucher_cloud", "make_voucher", "served"]

STATUSES = ("active", "inactive")


class ServedVoucherCloud(LocalVoucherCloud):
    """A local Voucher Cloud behind real HTTP at ``base_url``, with a client of its own for the shop.

    The client is new with every cloud, so a token that the shop left in a shared cache fits no other cloud,
    also where the port is the same.
    """

    def __init__(self, clock: Clock | None = None, behaviour: Behaviour = DOCUMENTED) -> None:
        super().__init__(clock, behaviour)
        client = self.add_client(name="Shop under test", type="shop")
        self.base_url = ""
        self.client_id = client.id
        self.client_secret = client.secret

    def connect(self) -> VoucherCloud:
        """Return an api client with the shop's credentials; close it, or use it as a context manager."""
        return VoucherCloud(
            client_id=self.client_id, client_secret=self.client_secret, base_url=self.base_url
        )


@contextmanager
def served(clock: Clock | None = None, behaviour: Behaviour = DOCUMENTED) -> Iterator[ServedVoucherCloud]:
    """Serve a fresh cloud on a free port of loopback, and touch no settings."""
    cloud = ServedVoucherCloud(clock, behaviour)
    with serve(cloud) as server:
        cloud.base_url = server.base_url
        yield cloud


@contextmanager
def local_voucher_cloud(
    *, clock: Clock | None = None, behaviour: Behaviour = DOCUMENTED
) -> Iterator[ServedVoucherCloud]:
    """Serve a fresh local Voucher Cloud with the shop connected to it; afterwards all is as it was.

    Where Django has no settings, there is no shop to connect: the cloud alone is served.
    """
    with served(clock, behaviour) as cloud:
        if shop.is_there():
            with shop.connected_to(cloud.base_url, cloud.client_id, cloud.client_secret):
                yield cloud
        else:
            yield cloud


def make_voucher(
    cloud: LocalVoucherCloud,
    amount: Decimal | str = "20.00",
    *,
    pin: str = "",
    status: str = "active",
    **fields: Any,
) -> VoucherView:
    """Put a voucher into the cloud; its code is new and cannot be guessed, unless ``fields`` names one.

    ``fields`` are those of ``LocalVoucherCloud.add_voucher``. Raises ValueError for another status.
    """
    if status not in STATUSES:
        raise ValueError(f'status: must be "active" or "inactive", not {status!r}.')
    return cloud.add_voucher(amount=amount, pin=pin, status=status, **fields)


class LocalVoucherCloudMixin(unittest.TestCase):
    """Gives each test a fresh ``self.voucher_cloud`` that the shop is connected to.

    Name it ahead of Django's class: ``class PaymentTests(LocalVoucherCloudMixin, TestCase)``.
    """

    voucher_cloud: ServedVoucherCloud

    def setUp(self) -> None:
        super().setUp()
        self.voucher_cloud = self.enterContext(local_voucher_cloud())

    def make_voucher(
        self, amount: Decimal | str = "20.00", *, pin: str = "", status: str = "active", **fields: Any
    ) -> VoucherView:
        """Put a voucher into the cloud, active unless told otherwise, and return it with ``code`` and ``id``."""
        return make_voucher(self.voucher_cloud, amount, pin=pin, status=status, **fields)
