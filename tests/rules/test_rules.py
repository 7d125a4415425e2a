"""The rules: what failures and bookings prove, and how long a hold may be used."""

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal as D

import pytest

from voucher_payment_gateway import exceptions
from voucher_payment_gateway.rules.evidence import Evidence, charge_evidence, refund_evidence
from voucher_payment_gateway.rules.holds import held_until, is_usable
from voucher_payment_gateway.rules.verdicts import verdict


@dataclass(frozen=True)
class Row:
    id: str = "b1"
    type: str = "charge"
    amount: D = D("5.00")
    order_number: str | None = "A-1.x"
    client_id: str | None = "shop"


OURS = Row()


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        ([], Evidence("absent")),
        ([OURS], Evidence("found", "b1")),
        ([replace(OURS, order_number="A-1")], Evidence("absent")),
        ([replace(OURS, order_number="A-1.x2")], Evidence("absent")),
        ([replace(OURS, amount=D("5.01"))], Evidence("absent")),
        ([replace(OURS, type="recharge")], Evidence("absent")),
        ([replace(OURS, id="known")], Evidence("absent")),
        ([OURS, replace(OURS, id="b2")], Evidence("ambiguous")),
    ],
)
def test_a_charge_is_ours_only_if_everything_is_equal(rows, expected):
    assert charge_evidence(rows, reference="A-1.x", amount=D("5.00"), ours={"known"}) == expected


REFUND = Row(type="refund")


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        ([], Evidence("absent")),
        ([REFUND], Evidence("found", "b1")),
        ([replace(REFUND, order_number=None)], Evidence("found", "b1")),
        ([replace(REFUND, order_number="")], Evidence("found", "b1")),
        ([replace(REFUND, order_number="other")], Evidence("absent")),
        ([replace(REFUND, id="before")], Evidence("absent")),
        ([replace(REFUND, id="known")], Evidence("absent")),
        ([replace(REFUND, amount=D("4.99"))], Evidence("absent")),
        ([replace(REFUND, type="charge")], Evidence("absent")),
        ([replace(REFUND, client_id="till")], Evidence("ambiguous")),
        ([replace(REFUND, client_id=None)], Evidence("found", "b1")),
        ([REFUND, replace(REFUND, id="b2")], Evidence("ambiguous")),
    ],
)
def test_a_refund_is_ours_only_if_it_is_new_and_the_only_one(rows, expected):
    found = refund_evidence(
        rows, amount=D("5.00"), baseline={"before"}, ours={"known"}, reference="A-1.x", client_id="shop"
    )
    assert found == expected


@pytest.mark.parametrize(
    ("error", "first", "repeated"),
    [
        (exceptions.RefusedError(), "refused", "unknown"),
        (exceptions.ReservationClosedError(), "refused", "unknown"),
        (exceptions.UnavailableError(), "not_applied", "not_applied"),
        (exceptions.ThrottledError(), "not_applied", "not_applied"),
        (exceptions.CredentialsError(), "not_applied", "not_applied"),
        (exceptions.OutcomeUnknownError(), "unknown", "unknown"),
        (exceptions.ContractError(), "not_applied", "not_applied"),
        (exceptions.VoucherGatewayError(), "unknown", "unknown"),
    ],
)
def test_what_an_error_proves(error, first, repeated):
    assert (verdict(error, repeated=False), verdict(error, repeated=True)) == (first, repeated)


def test_a_hold_is_used_until_a_minute_before_its_end():
    answered_at = datetime(2026, 1, 1, 12, tzinfo=UTC)
    until = held_until(answered_at)
    assert until - answered_at == timedelta(minutes=30)
    assert is_usable(until, until - timedelta(seconds=61))
    assert not is_usable(until, until - timedelta(seconds=60))
    assert not is_usable(None, answered_at)
