"""The API's error codes for each mistake that a customer may make: the input of ``ERROR_MEANINGS``."""

from collections.abc import Callable, Iterator
from http import HTTPStatus

from voucher_payment_gateway.management.probe.findings import Finding
from voucher_payment_gateway.management.probe.session import Refusal, Session

__all__ = ["refusals"]

UNSPECIFIC_CODES = {"VOUCHER.NOT_FOUND", *(status.name for status in HTTPStatus)}
"""Codes of no use in ``ERROR_MEANINGS``: one that the client knows, and names of an HTTP status."""

Preparation = Callable[[Session], Callable[[], object]]
"""Prepares the session and returns the call that must be refused."""


def refusals(session: Session) -> Iterator[Finding]:
    """Make each mistake twice and yield the codes seen both times. Errors of the preparations are raised."""
    session.reserve(session.new_voucher())  # proves the right to reserve: from here on a 403 is a refusal
    for name, (meaning, prepare) in CASES.items():
        call = prepare(session)
        yield _finding(name, meaning, session.attempt(call), session.attempt(call))


def _finding(name: str, meaning: str, first: object, second: object) -> Finding:
    if not isinstance(first, Refusal) or not isinstance(second, Refusal):
        return Finding(name, "accepted", "it was not refused")
    codes = frozenset(
        code
        for code in first.codes & second.codes
        if code not in UNSPECIFIC_CODES and not code.endswith("UNPROCESSABLE_ENTITY")
    )
    text = "refused" if codes else "refused without a code that says why"
    shown = ", ".join(sorted(first.codes)) or "no code"
    return Finding(name, first.status, f"{text} ({shown})", codes=codes, meaning=meaning)


def _balance(session: Session) -> Callable[[], object]:
    voucher = session.new_voucher()
    return lambda: session.reserve(voucher, "1.01")


def _wrong_pin(session: Session) -> Callable[[], object]:
    voucher = session.new_voucher(pin="493817")
    return lambda: session.reserve(voucher, pin="000000")


def _inactive(session: Session) -> Callable[[], object]:
    voucher = session.new_voucher(active=False)
    return lambda: session.reserve(voucher)


def _unknown(session: Session) -> Callable[[], object]:
    voucher = session.new_voucher()
    voucher.code = f"NO-SUCH-{session.new_order_number()}"
    return lambda: session.reserve(voucher)


def _currency(session: Session) -> Callable[[], object]:
    voucher = session.new_voucher()
    return lambda: session.reserve(voucher, currency="USD")


def _closed(session: Session) -> Callable[[], object]:
    voucher = session.new_voucher()
    older = session.reserve(voucher)
    session.reserve(voucher)
    number = session.new_order_number()
    return lambda: session.charge(voucher, older.id, number)


CASES: dict[str, tuple[str, Preparation]] = {
    "balance too small": ("insufficient_balance", _balance),
    "wrong PIN": ("unusable", _wrong_pin),
    "inactive voucher": ("unusable", _inactive),
    "unknown code": ("unusable", _unknown),
    "other currency": ("currency_mismatch", _currency),
    "replaced reservation": ("reservation_closed", _closed),
}
