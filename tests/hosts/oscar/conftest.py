"""The Oscar shop, connected to the local Voucher Cloud over real HTTP."""

import pytest

from tests import conftest
from tests.hosts.oscar.shop import Shop


@pytest.fixture
def oscar_shop(transactional_db, gateway_settings, voucher_cloud):
    """The shop in autocommit mode."""
    return Shop(voucher_cloud)


@pytest.fixture
def later(voucher_cloud):
    """Let time pass, in our rows and in the Voucher Cloud."""
    return conftest.Shop(voucher_cloud).later
