"""The reference that is sent with a charge, and the forms in which the API may return it."""

import pytest

from voucher_payment_gateway.rules.evidence import (
    charge_reference,
    could_be_number,
    is_cut_off,
    is_same_number,
)

SENT = "A-1001-2026-1.9f3ab27c01"


def test_the_number_sent_begins_with_the_shops_own():
    assert charge_reference("A-1", 2, "9f3a") == "A-1-2.9f3a"


@pytest.mark.parametrize(
    ("returned", "same", "cut_off"),
    [
        (SENT, True, True),
        (f" {SENT.lower()} ", True, True),
        (SENT[:16], False, True),
        (f" {SENT[:16].upper()} ", False, True),
        (SENT[:15], False, False),
        (SENT[1:], False, False),
        (SENT + "2", False, False),
        ("", False, False),
        (None, False, False),
    ],
)
def test_what_may_come_back_of_a_number(returned, same, cut_off):
    assert (is_same_number(returned, SENT), is_cut_off(returned, SENT)) == (same, cut_off)
    if returned is not None:
        assert could_be_number(returned, SENT) is (same or cut_off)


def test_the_form_of_the_letters_does_not_count():
    assert is_same_number("K\u00f6ln-1", "Ko\u0308ln-1")


def test_the_outer_blanks_of_what_was_sent_do_not_count():
    assert is_same_number("A-1", " A-1 ")
    assert is_cut_off(SENT[:16], f" {SENT}")
