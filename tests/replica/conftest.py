"""A shop with a replica, and orders in every state that a test begins with."""

from contextlib import ExitStack

import pytest
from django.utils import timezone

from tests.replica.lagging import CODE, ReadsReplica, empty_replica, statements, stored, window
from voucher_payment_gateway import gateway
from voucher_payment_gateway.exceptions import OutcomeUnknownError
from voucher_payment_gateway.models import VoucherOperation


@pytest.fixture(scope="module", autouse=True)
def _database(django_db_setup, django_db_blocker):
    with ExitStack() as made:
        with django_db_blocker.unblock():
            made.enter_context(empty_replica())
        yield
        with django_db_blocker.unblock():
            made.close()


@pytest.fixture(autouse=True)
def _lagging(shop, settings, _database):
    settings.DATABASE_ROUTERS = [ReadsReplica()]
    with statements() as asked:
        yield
        assert asked == []


@pytest.fixture
def voucher(shop):
    return shop.voucher("20.00")


@pytest.fixture
def order(shop, voucher):
    return shop.order("50.00")


@pytest.fixture
def held(order):
    gateway.authorize(order, CODE)
    return order


@pytest.fixture
def captured(held):
    gateway.capture(held)
    return held


@pytest.fixture
def unknown(shop, held):
    """A charge that was booked while its answer was lost, a while ago."""
    shop.cloud.faults.next("after:drop", path="*/charge")
    with pytest.raises(OutcomeUnknownError):
        gateway.capture(held)
    shop.later(minutes=5)
    return held


@pytest.fixture
def manual(unknown):
    """A charge that waits for a person."""
    VoucherOperation.objects.filter(kind="charge").update(state="manual", settled_at=timezone.now())
    return stored(VoucherOperation).get(kind="charge")


@pytest.fixture
def difference(shop, captured):
    """A refund that only the Voucher Cloud knows."""
    charge = stored(VoucherOperation).get(kind="charge")
    shop.cloud.refund(charge.remote_id, "5.00")
    shop.later(minutes=5)
    (found,) = gateway.reconcile(*window())
    return found
