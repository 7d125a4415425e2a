"""What a probe reads may be written by hand, long before it is looked at, or in a database of its own."""

from datetime import timedelta
from importlib import reload

import pytest
from django.db.models import F
from django.utils import timezone

from tests.health.test_health import CODE
from voucher_payment_gateway import gateway
from voucher_payment_gateway.checkout import decorators
from voucher_payment_gateway.exceptions import OutcomeUnknownError, UnavailableError
from voucher_payment_gateway.health import views
from voucher_payment_gateway.health.examination import examine
from voucher_payment_gateway.models import VoucherGatewayState, VoucherOperation
from voucher_payment_gateway.selling.views import behind_link


@pytest.mark.parametrize(("offset", "word"), [(timedelta(0), "ok"), (timedelta(minutes=16), "late")])
def test_an_instant_without_an_offset_is_one_in_utc(shop, offset, word):
    gateway.settle()
    at = (timezone.now() - offset).replace(tzinfo=None).isoformat()
    VoucherGatewayState.objects.filter(name="last_sweep").update(value=at)
    assert examine(["settle"]) == {"settle": word}


def test_what_is_no_instant_is_no_sweep(shop):
    gateway.settle()
    VoucherGatewayState.objects.filter(name="last_sweep").update(value="yesterday")
    assert examine(["settle"]) == {"settle": "never"}


def test_an_outcome_is_unknown_from_its_sending_on(shop):
    """A call that waited for hours, then was sent, is not unknown for hours."""
    shop.voucher("20.00")
    order = shop.order("20.00")
    gateway.authorize(order, CODE)
    shop.cloud.faults.next("before:503", path="*/charge", times=9)
    with pytest.raises(UnavailableError):
        gateway.capture(order)
    shop.cloud.faults.clear()
    VoucherOperation.objects.update(created_at=F("created_at") - timedelta(hours=5), due_at=timezone.now())
    shop.cloud.faults.next("after:drop", path="*/charge")
    with pytest.raises(OutcomeUnknownError):
        gateway.capture(order)
    assert VoucherOperation.objects.filter(state="unknown", sending_at__isnull=False).exists()
    assert examine(["unknown_outcomes"]) == {"unknown_outcomes": "ok"}
    VoucherOperation.objects.filter(state="unknown").update(attempts=3)  # it is sent again and again
    assert examine(["unknown_outcomes"]) == {"unknown_outcomes": "old"}


class VouchersElsewhere:
    """A router that writes gift vouchers to a database of their own."""

    def db_for_write(self, model, **hints):
        return "vouchers" if model._meta.app_label == "voucher_payment_gateway" else None


@pytest.fixture
def elsewhere(settings):
    settings.DATABASE_ROUTERS = [f"{__name__}.VouchersElsewhere"]
    reload(views)
    yield
    settings.DATABASE_ROUTERS = []
    reload(views)


def test_no_request_opens_a_transaction_in_the_database_of_the_vouchers(elsewhere):
    own = views.health, views.ready, decorators.endpoint("GET")(views.ready), behind_link(views.ready)
    for view in own:
        assert view._non_atomic_requests == {"default", "vouchers"}
