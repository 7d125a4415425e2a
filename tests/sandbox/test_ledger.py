"""The ledger is an oracle: it agrees with the cloud after any storm, and it would say so if it did not."""

import contextlib
import random

import httpx
import pytest

from tests.sandbox.conftest import NOON, Api
from voucher_payment_gateway.sandbox import (
    DOCUMENTED,
    HOSTILE,
    LENIENT,
    LOCAL_CLIENT_ID,
    LOCAL_CLIENT_SECRET,
    Behaviour,
    Clock,
    LedgerError,
    LocalVoucherCloud,
)

AMOUNTS = ("0.01", "0.99", "1.00", "4.20", "7.77", "20.00", "20.01")


def storm(seed, behaviour, steps=150):
    """Do ``steps`` random things to a cloud, with faults and a moving clock, and return it."""
    draw = random.Random(seed)
    cloud = LocalVoucherCloud(Clock(NOON), behaviour)
    cloud.token_seconds = 10**9
    codes = [cloud.add_voucher(code=f"C{number}", amount=draw.choice(AMOUNTS)).code for number in range(3)]
    with Api(transport=cloud.transport(), base_url="http://cloud/v1") as client:
        form = {
            "grant_type": "client_credentials",
            "client_id": LOCAL_CLIENT_ID,
            "client_secret": LOCAL_CLIENT_SECRET,
        }
        token = client.post("http://cloud/oauth/token", data=form).json()["access_token"]
        client.headers["Authorization"] = f"Bearer {token}"
        cloud.faults.draw(seed, rate=0.15)
        held, charged = ["none"], ["none"]
        for _ in range(steps):
            cloud.clock.advance(draw.choice((0, 1, 30, 600)))
            with contextlib.suppress(httpx.HTTPError, ValueError):  # lost and unreadable answers
                step(draw, client, codes, held, charged)
            cloud.ledger.check()
    cloud.faults.land_late()
    return cloud


def step(draw, client, codes, held, charged):
    amount, code = draw.choice(AMOUNTS), draw.choice(codes)
    match draw.randrange(6):
        case 0 | 1:
            answer = client.reserve(code, amount)
            held.append(answer.json().get("id", "none") if answer.is_success else "none")
        case 2 | 3:
            answer = client.charge(draw.choice(held[-3:]), f"O-{draw.randrange(9)}")
            charged.append(answer.json().get("id", "none") if answer.is_success else "none")
        case 4:
            client.refund(draw.choice(charged[-4:]), amount)
        case 5:
            body = {"code": code, "amount": amount, "currency": "EUR", "order_number": "R"}
            client.post("/vouchers/recharge", json=body)


@pytest.mark.parametrize("seed", range(20))
def test_the_ledger_equals_the_balances_after_a_storm(seed):
    behaviour = (DOCUMENTED, LENIENT, HOSTILE, Behaviour.random(seed))[seed % 4]
    cloud = storm(seed, behaviour)
    cloud.ledger.check()
    for voucher_id in cloud.books.state.vouchers:
        entries = cloud.ledger.entries(voucher_id)
        signs = {"issue": 1, "recharge": 1, "refund": 1, "charge": -1}
        total = sum(signs[entry.kind] * entry.cents for entry in entries)
        assert total == cloud.ledger.balance_cents(voucher_id) == int(cloud.balance(voucher_id) * 100)
        assert len(entries) == len(cloud.bookings(voucher_id)) + 1


def test_a_planted_difference_is_named(cloud, voucher, api):
    charge = api.reserve_and_charge()
    cloud.books.state.vouchers[voucher.id].balance_cents += 1
    with pytest.raises(LedgerError, match=f"voucher {voucher.id}: balance 1501, ledger 1500"):
        cloud.ledger.check()
    cloud.books.state.vouchers[voucher.id].balance_cents -= 1
    cloud.books.state.bookings[charge["id"]].amount_cents = 499
    with pytest.raises(LedgerError, match=f"booking {charge['id']}"):
        cloud.ledger.check()


def test_a_booking_entered_twice_and_an_overdraft_are_named(cloud, voucher, api):
    charge = api.reserve_and_charge(amount="20.00")
    cloud.books.state.entries.append(cloud.books.state.entries[-1])
    with pytest.raises(LedgerError, match=rf"overdrawn by 2000; booking {charge['id']}: entered twice"):
        cloud.ledger.check()


def test_entries_say_who_moved_what_where(cloud, voucher, api):
    api.reserve_and_charge(order_number="A-7")
    issue, charge = cloud.ledger.entries(voucher.id)
    assert (issue.kind, issue.debit, issue.cents) == ("issue", "issuer", 2000)
    assert (charge.kind, charge.credit, charge.cents, charge.order_number) == ("charge", "sales", 500, "A-7")
    assert cloud.ledger.entries() == [issue, charge]
    assert cloud.ledger.entries("none") == []
