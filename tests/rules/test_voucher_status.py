"""How the status of a sold voucher may differ from that of its sale."""

from datetime import UTC, datetime, timedelta

import pytest

from voucher_payment_gateway.rules.voucher_status import compare_status, why_not_valid


@pytest.mark.parametrize(
    ("ours", "theirs", "expected"),
    [
        ("issued", None, "voucher_gone"),
        ("active", None, "voucher_gone"),
        ("taken_back", None, None),
        ("ordered", None, None),
        ("failed", None, None),
        ("active", "active", None),
        ("active", "inactive", "voucher_status"),
        ("active", "locked", "voucher_status"),
        ("issued", "inactive", None),
        ("issued", "active", "voucher_status"),
        ("taken_back", "inactive", None),
        ("taken_back", "active", "voucher_status"),
    ],
)
def test_what_is_a_difference(ours, theirs, expected):
    assert compare_status(ours, theirs, has_expired=False) == expected


def test_the_status_of_one_that_has_expired_is_not_documented():
    assert compare_status("active", "expired", has_expired=True) is None
    assert compare_status("active", None, has_expired=True) == "voucher_gone"


NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("status", "valid_for", "why"),
    [
        ("active", None, ""),
        ("active", timedelta(seconds=1), ""),
        ("active", timedelta(0), "expired"),
        ("active", timedelta(days=-1), "expired"),
        ("inactive", timedelta(days=1), "inactive"),
        ("locked", None, "inactive"),
        ("inactive", timedelta(days=-1), "inactive"),
    ],
)
def test_a_code_is_handed_over_while_its_voucher_is_active_and_has_not_ended(status, valid_for, why):
    assert why_not_valid(status, None if valid_for is None else NOON + valid_for, NOON) == why
