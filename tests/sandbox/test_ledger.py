"""The ledger is an oracle: it agrees with the cloud after random calls and faults, and detects every corruption."""

import contextlib
import random
import re
from dataclasses import replace

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
    mock_transport,
)
from voucher_payment_gateway.sandbox.records import Booking

AMOUNTS = ("0.01", "0.99", "1.00", "4.20", "7.77", "20.00", "20.01")


def storm(seed, behaviour, steps=150):
    """Do ``steps`` random things to a cloud, with faults and a moving clock, and return it."""
    draw = random.Random(seed)
    cloud = LocalVoucherCloud(Clock(NOON), behaviour)
    cloud.token_seconds = 10**9
    codes = [cloud.add_voucher(code=f"C{number}", amount=draw.choice(AMOUNTS)).code for number in range(3)]
    with Api(transport=mock_transport(cloud), base_url="http://cloud/v1") as client:
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
    for voucher_id in cloud.store.state.vouchers:
        entries = cloud.ledger.entries(voucher_id)
        signs = {"issue": 1, "recharge": 1, "refund": 1, "charge": -1}
        total = sum(signs[entry.kind] * entry.cents for entry in entries)
        assert total == cloud.ledger.balance_cents(voucher_id) == int(cloud.balance(voucher_id) * 100)
        assert len(entries) == len(cloud.bookings(voucher_id)) + 1


CORRUPTIONS = {
    "balance off by a cent": (
        lambda state: change(state.vouchers["one"], balance_cents=1501),
        ["voucher one: balance 1501, ledger 1500"],
    ),
    "balances swapped": (
        lambda state: (
            change(state.vouchers["one"], balance_cents=2000),
            change(state.vouchers["other"], balance_cents=1500),
        ),
        ["voucher one: balance 2000, ledger 1500", "voucher other: balance 1500, ledger 2000"],
    ),
    "start changed": (
        lambda state: change(state.vouchers["one"], amount_cents=1999),
        ["voucher one: start 1999 EUR, ledger 2000 EUR"],
    ),
    "currency changed": (
        lambda state: change(state.vouchers["empty"], currency="USD"),
        ["voucher empty: start 0 USD, ledger 0 EUR"],
    ),
    "voucher vanished": (
        lambda state: state.vouchers.pop("other"),
        ["voucher other: vanished, ledger 2000"],
    ),
    "empty voucher vanished": (
        lambda state: state.vouchers.pop("empty"),
        ["voucher empty: vanished, ledger 0"],
    ),
    "voucher vanished with its bookings": (
        lambda state: (state.vouchers.pop("one"), state.bookings.clear()),
        ["voucher one: vanished, ledger 1500", r"booking C: booked None, ledger BookingFacts\(.*"],
    ),
    "voucher vanished as if it was deleted": (
        lambda state: change(state.vouchers["other"], deleted=True),
        ["voucher other: deleted, ledger: deleted 0 times"],
    ),
    "deleted voucher came back": (
        lambda state: change(state.vouchers["deleted"], deleted=False),
        ["voucher deleted: not deleted, ledger: deleted 1 times"],
    ),
    "voucher appeared": (
        lambda state: add(state.vouchers, copy(state.vouchers["other"], id="new")),
        ["voucher new: balance 2000, appeared from nowhere"],
    ),
    "empty voucher appeared": (
        lambda state: add(state.vouchers, copy(state.vouchers["empty"], id="new")),
        ["voucher new: balance 0, appeared from nowhere"],
    ),
    "voucher replaced by another one": (
        lambda state: add(state.vouchers, copy(state.vouchers.pop("other"), id="new")),
        ["voucher other: vanished, ledger 2000", "voucher new: balance 2000, appeared from nowhere"],
    ),
    "booking vanished": (
        lambda state: (state.bookings.clear(), state.vouchers["one"].booking_ids.clear()),
        ["voucher one: bookings none, ledger C", r"booking C: booked None, ledger BookingFacts\(.*"],
    ),
    "booking vanished from its voucher": (
        lambda state: state.vouchers["one"].booking_ids.clear(),
        ["voucher one: bookings none, ledger C"],
    ),
    "booking doubled": (
        lambda state: add(state.bookings, copy(state.bookings["C"], id="D")),
        [r"booking D: booked BookingFacts\(.*, ledger None"],
    ),
    "booking listed twice": (
        lambda state: state.vouchers["one"].booking_ids.append("C"),
        ["voucher one: bookings C, C, ledger C"],
    ),
    "booking moved to another voucher": (
        lambda state: change(state.bookings["C"], voucher_id="other"),
        [r"booking C: booked BookingFacts\(voucher_id='other'.*, ledger .*voucher_id='one'.*"],
    ),
    "booking listed with another voucher": (
        lambda state: state.vouchers["other"].booking_ids.append(state.vouchers["one"].booking_ids.pop()),
        ["voucher one: bookings none, ledger C", "voucher other: bookings C, ledger none"],
    ),
    "type swapped": (
        lambda state: change(state.bookings["C"], type="refund"),
        ["booking C: booked .*kind='refund'.*, ledger .*kind='charge'.*"],
    ),
    "amount of a booking changed": (
        lambda state: change(state.bookings["C"], amount_cents=499),
        ["booking C: booked .*cents=499.*, ledger .*cents=500.*"],
    ),
    "order number changed": (
        lambda state: change(state.bookings["C"], order_number="ORDER-2"),
        ["booking C: booked .*'ORDER-2'.*, ledger .*'ORDER-1'.*"],
    ),
    "client changed": (
        lambda state: change(state.bookings["C"], client_id="till"),
        ["booking C: booked .*'till'.*, ledger .*"],
    ),
    "booking vanished together with its money": (
        lambda state: (
            state.bookings.clear(),
            change(state.vouchers["one"], balance_cents=2000, booking_ids=[]),
        ),
        [
            "voucher one: balance 2000, ledger 1500",
            "voucher one: bookings none, ledger C",
            r"booking C: booked None, ledger BookingFacts\(.*",
        ],
    ),
    "entry vanished": (
        lambda state: state.entries.remove(entry(state, "charge")),
        [
            "voucher one: balance 1500, ledger 2000",
            "voucher one: bookings C, ledger none",
            r"booking C: booked BookingFacts\(.*, ledger None",
        ],
    ),
    "entry doubled": (
        lambda state: state.entries.append(entry(state, "charge")),
        [
            "voucher one: balance 1500, ledger 1000",
            "voucher one: bookings C, ledger C, C",
            "booking C: entered twice",
        ],
    ),
    "start vanished": (
        lambda state: state.entries.remove(entry(state, "issue")),
        [
            "voucher one: issued 0 times",
            "voucher one: balance 1500, ledger -500",
            "voucher one: overdrawn by 500",
        ],
    ),
    "empty voucher issued twice": (
        lambda state: state.entries.append(entry(state, "issue", "empty")),
        ["voucher empty: issued 2 times"],
    ),
    "entry moved to another account": (
        lambda state: change_entry(state, "charge", debit="voucher:other"),
        ["voucher one: balance 1500, ledger 2000", "voucher other: balance 2000, ledger 1500"],
    ),
}


def change(record, **fields):
    for name, value in fields.items():
        setattr(record, name, value)


def copy(record, **fields):
    return replace(record, **fields)


def add(records, record):
    records[record.id] = record


def entry(state, kind, voucher_id="one"):
    return next(each for each in state.entries if (each.kind, each.voucher_id) == (kind, voucher_id))


def change_entry(state, kind, **fields):
    found = entry(state, kind)
    state.entries[state.entries.index(found)] = replace(found, **fields)


@pytest.fixture
def books_in_order(cloud, api, monkeypatch):
    """Two vouchers of 20.00, 5.00 of one charged under the id C; an empty one and a deleted one."""
    monkeypatch.setattr("voucher_payment_gateway.sandbox.charges.fresh_id", lambda: "C")
    cloud.add_voucher(id="one", code="GIFT-20", amount="20.00")
    cloud.add_voucher(id="other", amount="20.00")
    cloud.add_voucher(id="empty", amount="0.00")
    cloud.add_voucher(id="deleted", amount="20.00", status="inactive")
    assert api.request("DELETE", "/vouchers/deleted", json={"comment": "no"}).is_success
    api.reserve_and_charge()
    cloud.ledger.check()
    return cloud


@pytest.mark.parametrize("name", CORRUPTIONS)
def test_each_corruption_is_told_and_nothing_else(books_in_order, name):
    corrupt, differences = CORRUPTIONS[name]
    corrupt(books_in_order.store.state)
    with pytest.raises(LedgerError) as caught:
        books_in_order.ledger.check()
    found = str(caught.value).split("; ")
    assert len(found) == len(differences)
    for sentence, pattern in zip(found, differences, strict=True):
        assert re.fullmatch(pattern, sentence), sentence


def test_an_overdraft_is_told_though_balance_and_ledger_agree(cloud, voucher):
    cloud.ledger.booked(
        {"id": "C", "type": "charge", "voucher_id": voucher.id, "amount": "20.01"}
        | {"order_number": "A", "client_id": "till"},
        NOON,
    )
    cloud.store.state.bookings["C"] = Booking("C", voucher.id, "till", "charge", 2001, "A", NOON)
    change(cloud.store.state.vouchers[voucher.id], balance_cents=-1, booking_ids=["C"])
    with pytest.raises(LedgerError, match=f"^voucher {voucher.id}: overdrawn by 1$"):
        cloud.ledger.check()


def test_entries_say_who_moved_what_where(cloud, voucher, api):
    api.reserve_and_charge(order_number="A-7")
    issue, charge = cloud.ledger.entries(voucher.id)
    assert (issue.kind, issue.debit, issue.cents) == ("issue", "issuer", 2000)
    assert (charge.kind, charge.credit, charge.cents, charge.order_number) == ("charge", "sales", 500, "A-7")
    assert cloud.ledger.entries() == [issue, charge]
    assert cloud.ledger.entries("none") == []
