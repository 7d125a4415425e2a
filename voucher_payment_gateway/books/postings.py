"""Which accounts a booking moves: what German VAT law asks, as far as it is known here. Pure.

A single-purpose voucher is taxed when it is sold, and its redemption is no supply of its own (§ 3 (14) UStG). A
multi-purpose voucher is not taxed when it is sold; the goods are, when it is redeemed (§ 3 (15) UStG), and that is
booked with the shop's order. So a multi-purpose voucher moves the liability, a single-purpose one the revenue of its
rate, both against one clearing account, on which the shop books its payments and its orders in full.

A tax adviser must approve the accounts: this module decides nothing that the law leaves to the facts of a shop.
"""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING, Literal

from django.utils.translation import gettext_noop as _

from voucher_payment_gateway.books.rows import RAISES, BookingRow

if TYPE_CHECKING:
    from voucher_payment_gateway.settings_books import DatevAccounts

__all__ = ["CURRENCY", "Posting", "UnbookableError", "is_decided_by_settings", "posting_of"]

CURRENCY = "EUR"

WORDS = {
    "sale": "Gutscheinverkauf",
    "recharge": "Gutscheinaufladung",
    "charge": "Gutscheineinlösung",
    "refund": "Gutschein-Rückbuchung",
    "take_back": "Gutscheinrücknahme",
}


class UnbookableError(Exception):
    """A booking for which the settings name no account; the sentence names it and the cure.

    ``sentence`` has a place for each of ``words``, so that a page can say it in its own language.
    """

    def __init__(self, sentence: str, **words: object) -> None:
        super().__init__(sentence % words)
        self.sentence, self.words = sentence, words


@dataclass(frozen=True)
class Posting:
    """``amount`` in EUR, above zero, between two accounts. ``side`` is that of ``account``: S for debit (Soll), H for
    credit (Haben); ``contra`` has the other one."""

    amount: Decimal
    side: Literal["S", "H"]
    account: str
    contra: str
    day: date
    document: str
    text: str


def is_decided_by_settings(row: BookingRow) -> bool:
    """Return whether ``unknown_vat`` or ``unknown_rate`` decides on the account, since nothing else does."""
    return not row.vat_kind or (row.vat_kind == "single_purpose" and row.vat_rate is None)


def posting_of(row: BookingRow, day: date, accounts: "DatevAccounts") -> Posting:
    """Return the posting of a row, booked on ``day``. Raises UnbookableError."""
    if row.currency != CURRENCY:
        raise UnbookableError(
            _("operation %(operation)s is in %(currency)s: the DATEV file takes EUR alone."),
            operation=row.operation,
            currency=row.currency,
        )
    return Posting(
        amount=row.amount,
        side="H" if row.kind in RAISES else "S",
        account=_account_of(row, accounts),
        contra=accounts.clearing,
        day=day,
        document=row.order_number,
        text=f"{WORDS[row.kind]} {_kind_text(row)}{row.order_number}",
    )


def _account_of(row: BookingRow, accounts: "DatevAccounts") -> str:
    if row.vat_kind == "multi_purpose":
        return accounts.liability
    if row.vat_kind == "single_purpose":
        return _revenue_of(row, accounts)
    if accounts.unknown_vat == "multi_purpose":
        return accounts.liability
    raise UnbookableError(
        _(
            "operation %(operation)s is of a voucher of which it is not known whether VAT was paid at its sale: name "
            "the kind where you sell vouchers, or let your tax adviser decide on DATEV_ACCOUNTS.unknown_vat."
        ),
        operation=row.operation,
    )


def _revenue_of(row: BookingRow, accounts: "DatevAccounts") -> str:
    rate = row.vat_rate if row.vat_rate is not None else accounts.rate_if_unknown
    if rate is None:
        raise UnbookableError(
            _(
                "operation %(operation)s is of a single-purpose voucher whose rate of VAT is not known: let your tax "
                "adviser decide on DATEV_ACCOUNTS.unknown_rate."
            ),
            operation=row.operation,
        )
    account = accounts.revenue_of(rate)
    if account is None:
        raise UnbookableError(
            _(
                "operation %(operation)s is of a single-purpose voucher with %(rate)s %% VAT: name the revenue "
                "account of this rate in DATEV_ACCOUNTS.revenue."
            ),
            operation=row.operation,
            rate=f"{rate.normalize():f}",
        )
    return account


def _kind_text(row: BookingRow) -> str:
    if row.vat_kind == "single_purpose":
        return "Einzweck " if row.vat_rate is None else f"Einzweck {row.vat_rate.normalize():f} % "
    return "Mehrzweck " if row.vat_kind else ""
