"""A double-entry ledger in integer cents, the oracle of tests.

It is fed with what the cloud answers (amounts as text, as they stand on the wire) and shares no computation
with the code that keeps the balances. Every entry moves cents from one account to another; a voucher's
account must at any time hold start + recharges + refunds - charges, and that must be its balance.
"""

from collections.abc import Callable, Iterable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime

__all__ = ["Entry", "Facts", "Ledger", "LedgerError"]

ISSUER, SALES = "issuer", "sales"
"""The two accounts opposite the vouchers: who puts credit on them, and where they were spent."""


@dataclass(frozen=True)
class Entry:
    """``cents`` moved from account ``debit`` to account ``credit``; one of the two is a voucher's id."""

    at: datetime
    kind: str
    voucher_id: str
    debit: str
    credit: str
    cents: int
    booking_id: str = ""
    order_number: str | None = None
    client_id: str = ""


@dataclass(frozen=True)
class Facts:
    """What the cloud claims: each voucher's balance, and each booking as (voucher id, type, cents)."""

    balances: Mapping[str, int]
    bookings: Mapping[str, tuple[str, str, int]]


class LedgerError(AssertionError):
    """The cloud's balances and its ledger disagree: a defect of the local Voucher Cloud."""


class Ledger:
    """The books beside the books."""

    def __init__(
        self, lock: AbstractContextManager[object], entries: list[Entry], facts: Callable[[], Facts]
    ) -> None:
        self._lock = lock
        self._entries = entries
        self._facts = facts

    def issued(self, voucher_id: str, amount: str, at: datetime, client_id: str) -> None:
        """Write down a voucher's start."""
        cents = _cents(amount)
        self._entries.append(
            Entry(at, "issue", voucher_id, ISSUER, _account(voucher_id), cents, client_id=client_id)
        )

    def withdrawn(self, voucher_id: str, at: datetime) -> None:
        """Write down that a voucher was deleted with all that was left on it."""
        rest = self._sum(voucher_id)
        self._entries.append(Entry(at, "delete", voucher_id, _account(voucher_id), ISSUER, rest))

    def booked(self, answer: Mapping[str, object], at: datetime) -> None:
        """Write down a charge, refund or recharge as it was answered."""
        kind, voucher_id, number = str(answer["type"]), str(answer["voucher_id"]), answer["order_number"]
        account = _account(voucher_id)
        debit, credit = {
            "charge": (account, SALES),
            "refund": (SALES, account),
            "recharge": (ISSUER, account),
        }[kind]
        self._entries.append(
            Entry(
                at,
                kind,
                voucher_id,
                debit,
                credit,
                _cents(str(answer["amount"])),
                str(answer["id"]),
                None if number is None else str(number),
                str(answer["client_id"]),
            )
        )

    def entries(self, voucher_id: str | None = None) -> list[Entry]:
        """Return the entries, oldest first; with ``voucher_id`` those of one voucher."""
        with self._lock:
            return [entry for entry in self._entries if voucher_id in (None, entry.voucher_id)]

    def balance_cents(self, voucher_id: str) -> int:
        """Return what the entries leave on a voucher, in cents."""
        with self._lock:
            return self._sum(voucher_id)

    def check(self) -> None:
        """Return when every voucher's entries give its balance and every booking has its one entry.

        Raises LedgerError that names every difference.
        """
        with self._lock:
            facts = self._facts()
            differences = [*self._balances_off(facts.balances), *self._bookings_off(facts.bookings)]
        if differences:
            raise LedgerError("; ".join(differences))

    def _balances_off(self, balances: Mapping[str, int]) -> Iterable[str]:
        sums: dict[str, int] = {}
        for entry in self._entries:
            sums[entry.debit] = sums.get(entry.debit, 0) - entry.cents
            sums[entry.credit] = sums.get(entry.credit, 0) + entry.cents
        for voucher_id, cents in balances.items():
            in_ledger = sums.get(_account(voucher_id), 0)
            if in_ledger != cents:
                yield f"voucher {voucher_id}: balance {cents}, ledger {in_ledger}"
            if in_ledger < 0:
                yield f"voucher {voucher_id}: overdrawn by {-in_ledger}"

    def _bookings_off(self, bookings: Mapping[str, tuple[str, str, int]]) -> Iterable[str]:
        entered: dict[str, tuple[str, str, int]] = {}
        for entry in self._entries:
            if not entry.booking_id:
                continue
            if entry.booking_id in entered:
                yield f"booking {entry.booking_id}: entered twice"
            entered[entry.booking_id] = (entry.voucher_id, entry.kind, entry.cents)
        for booking_id in entered.keys() | bookings.keys():
            if entered.get(booking_id) != bookings.get(booking_id):
                yield (
                    f"booking {booking_id}: "
                    f"booked {bookings.get(booking_id)}, ledger {entered.get(booking_id)}"
                )

    def _sum(self, voucher_id: str) -> int:
        account = _account(voucher_id)
        gained = sum(entry.cents for entry in self._entries if entry.credit == account)
        return gained - sum(entry.cents for entry in self._entries if entry.debit == account)


def _account(voucher_id: str) -> str:
    return f"voucher:{voucher_id}"


def _cents(text: str) -> int:
    euros, _, cents = text.partition(".")
    return int(euros) * 100 + int(cents)
