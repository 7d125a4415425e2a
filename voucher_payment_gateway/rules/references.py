"""The order number that is sent with a charge, and how the Voucher Cloud may give it back.

What it does to a number is not documented: it may trim it, fold its case, or cut it off.
"""

import unicodedata

__all__ = ["SHORTEST_DOUBT", "charge_reference", "is_cut_off", "is_same_number", "may_be_number"]

SHORTEST_CUT = 16
"""A shorter beginning of our number may be somebody else's whole number: it is not taken for ours."""

SHORTEST_DOUBT = 8
"""From this length on it is not taken for somebody else's either: a person decides."""


def charge_reference(order_number: str, capture: int, token: str) -> str:
    """Return the number sent with the ``capture``-th charge of an order.

    It begins with the shop's own, so that people find it. The random ``token`` keeps it apart from those of another
    shop that numbers its orders alike, and from an order that is really named so. It is made once per capture, written
    down before the call, and kept for every repetition: a remote that enforces uniqueness then protects us.
    """
    return f"{order_number}-{capture}.{token}"


def is_same_number(told: str | None, sent: str) -> bool:
    """Say whether a number is the one that was sent, but for outer blanks, case and the form of its letters."""
    return told is not None and _plain(told) == _plain(sent)


def may_be_number(told: str, sent: str) -> bool:
    """Say whether a number does not contradict the one that was sent."""
    return is_same_number(told, sent) or is_cut_off(told, sent)


def is_cut_off(told: str | None, sent: str, *, shortest: int = SHORTEST_CUT) -> bool:
    """Say whether a number may be the beginning, of this length at least, of the one that was sent."""
    beginning = _plain(told or "")
    return len(beginning) >= shortest and _plain(sent).startswith(beginning)


def _plain(number: str) -> str:
    return unicodedata.normalize("NFKC", number).strip().casefold()
