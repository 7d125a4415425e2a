"""A served local Voucher Cloud, with the shop connected to it during a test."""

import time
import unittest
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from decimal import Decimal
from typing import Any

from voucher_payment_gateway.api import VoucherCloud
from voucher_payment_gateway.api.limits import by_clock
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
    """A local Voucher Cloud behind real HTTP at ``base_url``, with its own client for the shop.

    Each cloud has a new client, so that a token in a shared cache is never valid for another cloud, even on the
    same port.
    """

    def __init__(self, clock: Clock | None = None, behaviour: Behaviour = DOCUMENTED) -> None:
        super().__init__(clock, behaviour)
        client = self.add_client(name="Shop under test", type="shop")
        self.base_url = ""
        self.client_id = client.id
        self.client_secret = client.secret
        self.accounts: dict[str, tuple[str, str]] = {}
        """The credentials of the shop's merchant accounts, by name; all see the same vouchers."""

    def add_accounts(self, names: Iterable[str]) -> None:
        """Give each merchant account of the shop a client of its own."""
        for name in names:
            client = self.add_client(name=name, type="shop")
            self.accounts[name] = (client.id, client.secret)

    def connect(self) -> VoucherCloud:
        """Return an API client with the shop's credentials; close it, or use it as a context manager."""
        return VoucherCloud(
            client_id=self.client_id, client_secret=self.client_secret, base_url=self.base_url
        )


@contextmanager
def served(clock: Clock | None = None, behaviour: Behaviour = DOCUMENTED) -> Iterator[ServedVoucherCloud]:
    """Serve a new cloud on a free port of loopback, without changing settings. Where its clock is advanced, a pause
    after failures or a ``Retry-After`` passes for the client as well."""
    cloud = ServedVoucherCloud(clock, behaviour)
    with serve(cloud) as server, by_clock(lambda: time.monotonic() + cloud.clock.offset_seconds):
        cloud.base_url = server.base_url
        yield cloud


@contextmanager
def local_voucher_cloud(
    *, clock: Clock | None = None, behaviour: Behaviour = DOCUMENTED, account: str = ""
) -> Iterator[ServedVoucherCloud]:
    """Serve a new local Voucher Cloud with the shop connected to it; restore the settings at the end.

    All merchant accounts of ``ACCOUNTS`` are connected to it, or ``account`` alone: nest one for each of them to test
    that they are kept apart. If Django has no settings, there is no shop to connect: only the cloud is served.
    """
    with served(clock, behaviour) as cloud:
        if shop.is_there():
            cloud.add_accounts([] if account else shop.account_names())
            credentials = (cloud.client_id, cloud.client_secret, cloud.accounts)
            with shop.connected_to(cloud.base_url, *credentials, account=account):
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
    """Add a voucher to the cloud; its code is new and random, unless ``fields`` contains one.

    ``fields`` are those of ``LocalVoucherCloud.add_voucher``. Raises ValueError for another status.
    """
    if status not in STATUSES:
        raise ValueError(f'status: must be "active" or "inactive", not {status!r}.')
    return cloud.add_voucher(amount=amount, pin=pin, status=status, **fields)


class LocalVoucherCloudMixin(unittest.TestCase):
    """Give each test a new ``self.voucher_cloud``, with the shop connected to it.

    List it before Django's class: ``class PaymentTests(LocalVoucherCloudMixin, TestCase)``.
    """

    voucher_cloud: ServedVoucherCloud

    def setUp(self) -> None:
        super().setUp()
        self.voucher_cloud = self.enterContext(local_voucher_cloud())

    def make_voucher(
        self, amount: Decimal | str = "20.00", *, pin: str = "", status: str = "active", **fields: Any
    ) -> VoucherView:
        """Add a voucher to the cloud, active by default, and return it with ``code`` and ``id``."""
        return make_voucher(self.voucher_cloud, amount, pin=pin, status=status, **fields)
