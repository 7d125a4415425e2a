"""The Oscar shop, connected to the local Voucher Cloud over real HTTP."""

import pytest

from tests.hosts.oscar.shop import Shop


@pytest.fixture
def oscar_shop(transactional_db, gateway_settings, voucher_cloud):
    """The shop in autocommit mode."""
    return Shop(voucher_cloud)
