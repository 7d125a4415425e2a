"""A double-entry ledger in integer cents, the oracle of tests.

Its input is the cloud's answers (amounts as text, as sent), and it shares no computation with the code that
keeps the balances. Every entry moves cents from one account to another; a voucher's account must at any time
hold start + recharges + refunds - charges, and that must be its balance. Both sides are compared in full: an
item that only one of them has is a difference as well.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime

__all__ = ["BookingFacts", "Entry", "Facts", "Ledger", "LedgerError", "VoucherFacts"]

ISSUER, SALES = "issuer", "sales"
"""The two contra accounts of the vouchers: the source of their credit, and what they paid for."""


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
    currency: str = ""
    """Set for a voucher's start only: every other entry is in its voucher's currency."""


@dataclass(frozen=True)
class VoucherFacts:
    """The cloud's data of one voucher, also a deleted one; amounts in cents."""

    start: int
    balance: int
    currency: str
    is_deleted: bool
    booking_ids: tuple[str, ...]
    """Its bookings, oldest first."""


@dataclass(frozen=True)
class BookingFacts:
    """The cloud's data of one booking."""

    voucher_id: str
    kind: str
    cents: int
    order_number: str | None
    client_id: str


@dataclass(frozen=True)
class Facts:
    """All of the cloud's data, by id."""

    vouchers: Mapping[str, VoucherFacts]
    bookings: Mapping[str, BookingFacts]


class LedgerError(AssertionError):
    """The cloud's data and its ledger differ: a defect of the local Voucher Cloud."""


class Ledger:
    """The entries, and their comparison with the cloud's data."""

    def __init__(
        self, lock: AbstractContextManager[object], entries: list[Entry], facts: Callable[[], Facts]
    ) -> None:
        self._lock = lock
        self._entries = entries
        self._facts = facts

    def issued(self, voucher_id: str, amount: str, currency: str, at: datetime, client_id: str) -> None:
        """Enter a voucher's start."""
        account, cents = _account(voucher_id), _cents(amount)
        self._entries.append(
            Entry(at, "issue", voucher_id, ISSUER, account, cents, client_id=client_id, currency=currency)
        )

    def withdrawn(self, voucher_id: str, at: datetime) -> None:
        """Enter that a voucher was deleted, with its remaining balance."""
        rest = self._sum(voucher_id)
        self._entries.append(Entry(at, "delete", voucher_id, _account(voucher_id), ISSUER, rest))

    def booked(self, answer: Mapping[str, object], at: datetime) -> None:
        """Enter a charge, refund or recharge as it was answered."""
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
        """Return the balance of a voucher by the entries, in cents."""
        with self._lock:
            return self._sum(voucher_id)

    def check(self) -> None:
        """Compare all vouchers, balances and bookings with the entries.

        Raises LedgerError, which names every difference.
        """
        with self._lock:
            facts = self._facts()
            differences = [*self._vouchers_off(facts.vouchers), *self._bookings_off(facts.bookings)]
        if differences:
            raise LedgerError("; ".join(differences))

    def _vouchers_off(self, vouchers: Mapping[str, VoucherFacts]) -> Iterator[str]:
        by_voucher: dict[str, list[Entry]] = {}
        for entry in self._entries:
            by_voucher.setdefault(entry.voucher_id, []).append(entry)
        balances = self._balances()
        for voucher_id in dict.fromkeys([*by_voucher, *vouchers]):
            in_ledger = balances.get(_account(voucher_id), 0)
            found, entries = vouchers.get(voucher_id), by_voucher.get(voucher_id, [])
            if found is None:
                yield f"voucher {voucher_id}: vanished, ledger {in_ledger}"
            elif not entries:
                yield f"voucher {voucher_id}: balance {found.balance}, appeared from nowhere"
            else:
                for difference in _differences(found, entries, in_ledger):
                    yield f"voucher {voucher_id}: {difference}"
            if in_ledger < 0:
                yield f"voucher {voucher_id}: overdrawn by {-in_ledger}"

    def _balances(self) -> dict[str, int]:
        balances: dict[str, int] = {}
        for entry in self._entries:
            balances[entry.debit] = balances.get(entry.debit, 0) - entry.cents
            balances[entry.credit] = balances.get(entry.credit, 0) + entry.cents
        return balances

    def _bookings_off(self, bookings: Mapping[str, BookingFacts]) -> Iterator[str]:
        entered: dict[str, BookingFacts] = {}
        for entry in self._entries:
            if not entry.booking_id:
                continue
            if entry.booking_id in entered:
                yield f"booking {entry.booking_id}: entered twice"
            entered[entry.booking_id] = BookingFacts(
                entry.voucher_id, entry.kind, entry.cents, entry.order_number, entry.client_id
            )
        for booking_id in dict.fromkeys([*entered, *bookings]):
            booked, in_ledger = bookings.get(booking_id), entered.get(booking_id)
            if booked != in_ledger:
                yield f"booking {booking_id}: booked {booked}, ledger {in_ledger}"

    def _sum(self, voucher_id: str) -> int:
        account = _account(voucher_id)
        gained = sum(entry.cents for entry in self._entries if entry.credit == account)
        return gained - sum(entry.cents for entry in self._entries if entry.debit == account)


def _differences(found: VoucherFacts, entries: list[Entry], in_ledger: int) -> Iterator[str]:
    issues = [entry for entry in entries if entry.kind == "issue"]
    if len(issues) != 1:
        yield f"issued {len(issues)} times"
    for issue in issues:
        if (found.start, found.currency) != (issue.cents, issue.currency):
            yield f"start {found.start} {found.currency}, ledger {issue.cents} {issue.currency}"
    withdrawn = sum(entry.kind == "delete" for entry in entries)
    if withdrawn != found.is_deleted:
        yield f"{'deleted' if found.is_deleted else 'not deleted'}, ledger: deleted {withdrawn} times"
    if found.balance != in_ledger:
        yield f"balance {found.balance}, ledger {in_ledger}"
    entered = tuple(entry.booking_id for entry in entries if entry.booking_id)
    if found.booking_ids != entered:
        yield f"bookings {_listed(found.booking_ids)}, ledger {_listed(entered)}"


def _listed(booking_ids: tuple[str, ...]) -> str:
    return ", ".join(booking_ids) or "none"


def _account(voucher_id: str) -> str:
    return f"voucher:{voucher_id}"


def _cents(text: str) -> int:
    euros, _, cents = text.partition(".")
    return int(euros) * 100 + int(cents)
