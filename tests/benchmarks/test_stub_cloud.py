"""The stub answers what the client of the package takes for an answer of the Voucher Cloud."""

from decimal import Decimal as D

import pytest

from benchmarks.stub_cloud import stub_cloud
from voucher_payment_gateway.api import VoucherCloud
from voucher_payment_gateway.exceptions import OutcomeUnknownError


@pytest.fixture(params=[False, True], ids=["plain", "tls"])
def server(request):
    with stub_cloud(tls=request.param) as started:
        yield started


def test_the_course_of_an_order_over_one_connection(server):
    with VoucherCloud(
        client_id="shop", client_secret="secret", base_url=server.base_url, ca_file=server.ca_file or None
    ) as cloud:
        held = cloud.reserve(code="GIFT-1", amount=D("10.00"), currency="EUR")
        again = cloud.reserve(code="GIFT-1", amount=D("5.00"), currency="EUR")
        cloud.cancel_reservation(again.id)
        charge = cloud.charge(held.id, "A-1")
        refund = cloud.refund(charge.id, D("4.00"), "EUR")
        booked = list(cloud.list_voucher_charges(held.voucher_id))
    assert held.voucher_id == again.voucher_id
    assert len({held.id, again.id, charge.id, refund.id}) == 4
    assert [(each.type, each.amount) for each in booked] == [("charge", 10), ("refund", 4)]
    assert server.counts() == {"connections": 1, "calls": 6}


def test_two_stubs_never_give_the_same_id():
    ids = set()
    for _ in range(2):
        with (
            stub_cloud() as server,
            VoucherCloud(client_id="a", client_secret="b", base_url=server.base_url) as c,
        ):
            ids.add(c.reserve(code="GIFT-1", amount=D("10.00"), currency="EUR").id)
    assert len(ids) == 2


def test_a_delay_that_is_set_later_is_waited_for(server):
    with VoucherCloud(
        client_id="shop",
        client_secret="secret",
        base_url=server.base_url,
        ca_file=server.ca_file or None,
        timeout_seconds=0.3,
    ) as cloud:
        cloud.authenticate()
        server.set_delay(30)
        with pytest.raises(OutcomeUnknownError):
            cloud.reserve(code="GIFT-1", amount=D("10.00"), currency="EUR")
