"""The fixtures that pytest loads by entry point (``pytest11``).

Every pytest run imports this module, even without vouchers: it imports neither Django nor the local Voucher
Cloud before a test uses one of the fixtures.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from voucher_payment_gateway.api import VoucherCloud
    from voucher_payment_gateway.sandbox import VoucherView
    from voucher_payment_gateway.testing.cloud import ServedVoucherCloud

__all__ = ["make_voucher", "voucher_client", "voucher_cloud"]


@pytest.fixture
def voucher_cloud(request: pytest.FixtureRequest) -> Iterator["ServedVoucherCloud"]:
    """A new local Voucher Cloud over real HTTP; the shop's settings point to it during this test.

    It gives access to vouchers, ``faults``, ``behaviour``, ``clock``, ``requests`` and ``ledger``.
    """
    from voucher_payment_gateway.testing.cloud import served

    with served() as cloud, shop_connected_to(cloud, request):
        yield cloud


@pytest.fixture
def make_voucher(voucher_cloud: "ServedVoucherCloud") -> "Callable[..., VoucherView]":
    """Add a voucher to the cloud: ``make_voucher("20.00", pin="", status="active", **fields)``."""
    from voucher_payment_gateway.testing import cloud

    return partial(cloud.make_voucher, voucher_cloud)


@pytest.fixture
def voucher_client(voucher_cloud: "ServedVoucherCloud") -> Iterator["VoucherCloud"]:
    """An API client of the local Voucher Cloud with the shop's credentials; needs no Django."""
    with voucher_cloud.connect() as client:
        yield client


@contextmanager
def shop_connected_to(cloud: "ServedVoucherCloud", request: pytest.FixtureRequest) -> Iterator[None]:
    """Connect the shop, if there is one, to this cloud while the block runs."""
    from voucher_payment_gateway.testing import shop

    if not shop.is_there():
        yield
        return
    cloud.add_accounts(shop.account_names())
    address = (cloud.base_url, cloud.client_id, cloud.client_secret, cloud.accounts)
    if (settings := _settings_of_pytest_django(request)) is None:
        with shop.connected_to(*address):
            yield
    else:
        with _changed(settings, shop.NAME, shop.settings_for(*address)):
            yield


def _settings_of_pytest_django(request: pytest.FixtureRequest) -> Any:
    """Return pytest-django's fixture, or None if it is missing or another fixture has its name."""
    if not request.config.pluginmanager.hasplugin("django"):
        return None
    settings = request.getfixturevalue("settings")
    return settings if type(settings).__module__.startswith("pytest_django") else None


@contextmanager
def _changed(settings: Any, name: str, value: object) -> Iterator[None]:
    """Change a setting through pytest-django, so that one stack of overrides restores the settings of a test.

    If a test changes settings too, a second stack would be undone in the wrong order and leave settings changed
    for later tests.
    """
    own = getattr(settings, name, None)
    setattr(settings, name, value)
    try:
        yield
    finally:
        setattr(settings, name, own)
