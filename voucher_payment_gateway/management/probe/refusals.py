"""Which error codes the API answers to what a customer may do wrong: the stuff of ``ERROR_MEANINGS``."""

from collections.abc import Callable, Iterator
from http import HTTPStatus

from voucher_payment_gateway.management.probe.findings import Finding
from voucher_payment_gateway.management.probe.session import Bench, Refusal

__all__ = ["refusals"]

SAYS_NOTHING = {"VOUCHER.NOT_FOUND", *(status.name for status in HTTPStatus)}
"""Codes of no use in ``ERROR_MEANINGS``: one the client knows, and names of an HTTP status, a missing right's too."""

Provoke = Callable[[Bench], Callable[[], object]]
"""Prepares the bench and returns the call that is to be refused."""


def refusals(bench: Bench) -> Iterator[Finding]:
    """Yield for each mistake the codes that came both times it was made. Raises what the preparations raise."""
    bench.reserve(bench.voucher())  # proves the right to reserve: from here on a 403 is a refusal
    for name, (meaning, provoke) in CASES.items():
        call = provoke(bench)
        finding = _finding(name, meaning, bench.attempt(call), bench.attempt(call))
        bench.put_all_away()
        yield finding


def _finding(name: str, meaning: str, first: object, second: object) -> Finding:
    if not isinstance(first, Refusal) or not isinstance(second, Refusal):
        return Finding(name, "accepted", "it was not refused")
    codes = frozenset(
        code
        for code in first.codes & second.codes
        if code not in SAYS_NOTHING and not code.endswith("UNPROCESSABLE_ENTITY")
    )
    text = "refused" if codes else "refused without a code that says why"
    shown = ", ".join(sorted(first.codes)) or "no code"
    return Finding(name, first.status, f"{text} ({shown})", codes=codes, meaning=meaning)


def _balance(bench: Bench) -> Callable[[], object]:
    sample = bench.voucher()
    return lambda: bench.reserve(sample, "1.01")


def _wrong_pin(bench: Bench) -> Callable[[], object]:
    sample = bench.voucher(pin="493817")
    return lambda: bench.reserve(sample, pin="000000")


def _inactive(bench: Bench) -> Callable[[], object]:
    sample = bench.voucher(active=False)
    return lambda: bench.reserve(sample)


def _unknown(bench: Bench) -> Callable[[], object]:
    sample = bench.voucher()
    sample.code = f"NO-SUCH-{bench.number()}"
    return lambda: bench.reserve(sample)


def _currency(bench: Bench) -> Callable[[], object]:
    sample = bench.voucher()
    return lambda: bench.reserve(sample, currency="USD")


def _closed(bench: Bench) -> Callable[[], object]:
    sample = bench.voucher()
    older = bench.reserve(sample)
    bench.reserve(sample)
    number = bench.number()
    return lambda: bench.charge(sample, older.id, number)


CASES: dict[str, tuple[str, Provoke]] = {
    "balance too small": ("insufficient_balance", _balance),
    "wrong PIN": ("unusable", _wrong_pin),
    "inactive voucher": ("unusable", _inactive),
    "unknown code": ("unusable", _unknown),
    "other currency": ("currency_mismatch", _currency),
    "replaced reservation": ("reservation_closed", _closed),
}
