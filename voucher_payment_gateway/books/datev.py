"""The DATEV format: a booking batch (Buchungsstapel) as a CSV file that DATEV imports.

Source: the description of the DATEV format by DATEV eG, https://developer.datev.de/de/file-format/details/datev-format,
with the pages "header" and "Buchungsstapel", and DATEV's help document 1080697 about locked batches. From there:
semicolons, CR LF, texts in quotes that are doubled inside, a comma before the decimals, no control characters,
Windows-1252, the name EXTF_….csv of the file, the header of version 700 with category 21 and format version 13, its 125
columns, at most 99,999 rows, one fiscal year, whose beginning in the header gives the days their year. The 31 fields of
the header are those of the example on https://developer.datev.de/datev/platform/en/dtvf/formate/header. No BU key is
written: the accounts are those to which DATEV itself adds the VAT, or none has any.

A batch is handed over unlocked (*Festschreibung* 0 in the header and in each row): the tax adviser looks at it first.
"""

import csv
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Final

from django.utils import timezone
from django.utils.translation import gettext_noop as _

from voucher_payment_gateway.books.days import day_of, local
from voucher_payment_gateway.books.files import Pieces
from voucher_payment_gateway.books.postings import CURRENCY, Posting, UnbookableError, posting_of
from voucher_payment_gateway.books.rows import BookingRow

if TYPE_CHECKING:
    from voucher_payment_gateway.settings_books import DatevAccounts

__all__ = [
    "COLUMNS",
    "ENCODING",
    "FIRST_DAY",
    "LAST_DAY",
    "MAX_ROWS",
    "PREFIX",
    "TEXT_COLUMNS",
    "Batch",
    "batch_lines",
    "batch_of",
]

ENCODING: Final = "cp1252"
PREFIX: Final = "EXTF_"
MAX_ROWS: Final = 99_999
"""Maximum of bookings in one file."""

FIRST_DAY, LAST_DAY = date(2000, 1, 1), date(2099, 12, 31)
"""Of the days in a file: its dates are of this century."""

DOCUMENT_LENGTH, TEXT_LENGTH, NAME_LENGTH = 36, 60, 30

NUMBERED = [f"{name} {i}" for i in range(1, 9) for name in ("Beleginfo - Art", "Beleginfo - Inhalt")]
MORE = [
    f"{name} {i}" for i in range(1, 21) for name in ("Zusatzinformation - Art", "Zusatzinformation- Inhalt")
]
COLUMNS: Final = (
    *("Umsatz (ohne Soll/Haben-Kz)", "Soll/Haben-Kennzeichen", "WKZ Umsatz", "Kurs", "Basis-Umsatz"),
    *("WKZ Basis-Umsatz", "Konto", "Gegenkonto (ohne BU-Schlüssel)", "BU-Schlüssel", "Belegdatum"),
    *("Belegfeld 1", "Belegfeld 2", "Skonto", "Buchungstext", "Postensperre", "Diverse Adressnummer"),
    *("Geschäftspartnerbank", "Sachverhalt", "Zinssperre", "Beleglink", *NUMBERED),
    *("KOST1 - Kostenstelle", "KOST2 - Kostenstelle", "Kost-Menge", "EU-Land u. UStID (Bestimmung)"),
    *("EU-Steuersatz (Bestimmung)", "Abw. Versteuerungsart", "Sachverhalt L+L", "Funktionsergänzung L+L"),
    *("BU 49 Hauptfunktionstyp", "BU 49 Hauptfunktionsnummer", "BU 49 Funktionsergänzung", *MORE),
    *("Stück", "Gewicht", "Zahlweise", "Forderungsart", "Veranlagungsjahr", "Zugeordnete Fälligkeit"),
    *("Skontotyp", "Auftragsnummer", "Buchungstyp", "USt-Schlüssel (Anzahlungen)", "EU-Land (Anzahlungen)"),
    *("Sachverhalt L+L (Anzahlungen)", "EU-Steuersatz (Anzahlungen)", "Erlöskonto (Anzahlungen)"),
    *("Herkunft-Kz", "Buchungs GUID", "KOST-Datum", "SEPA-Mandatsreferenz", "Skontosperre"),
    *("Gesellschaftername", "Beteiligtennummer", "Identifikationsnummer", "Zeichnernummer"),
    *("Postensperre bis", "Bezeichnung SoBil-Sachverhalt", "Kennzeichen SoBil-Buchung", "Festschreibung"),
    *("Leistungsdatum", "Datum Zuord. Steuerperiode", "Fälligkeit", "Generalumkehr (GU)", "Steuersatz"),
    *("Land", "Abrechnungsreferenz", "BVV-Position", "EU-Land u. UStID (Ursprung)"),
    *("EU-Steuersatz (Ursprung)", "Abw. Skontokonto"),
)
TEXT_COLUMNS: Final = frozenset(
    {2, 3, 6, 9, 11, 12, 14, 16, *range(20, 39), 40, 42, *range(48, 88), 91, 95, 96, 98, 102, 103, 105, 107}
    | {109, 110, 112, 118, 120, 121, 123}
)
"""Numbers of the columns, from 1, whose values stand in quotes, empty ones too."""

NOT_IN_A_DOCUMENT_NUMBER = re.compile(r"[^A-Za-z0-9_$%/-]")


class Bare(str):
    """A text that is written without quotes, as a number: the csv module asks whether it can be one."""

    __slots__ = ()

    def __float__(self) -> float:
        return float(self.replace(",", ".") or 0)


@dataclass(frozen=True)
class Batch:
    """What the header says: the first and the last day, the beginning of their fiscal year, and when it was made."""

    first: date
    last: date
    fiscal_year: date
    made_at: datetime


def batch_of(since: datetime, until: datetime, accounts: "DatevAccounts") -> Batch:
    """Return the batch of a time span, by the shop's time zone. Raises UnbookableError where it reaches into two fiscal
    years, or has days that the format cannot name: it takes years from 2000 to 2099 alone."""
    first, last = day_of(since), day_of(until - timedelta(microseconds=1))
    if first < FIRST_DAY or last > LAST_DAY:
        raise UnbookableError(
            _("a DATEV file takes days from %(first)s to %(last)s alone."), first=FIRST_DAY, last=LAST_DAY
        )
    begins = [
        date.fromisoformat(f"{year}-{accounts.fiscal_year_begins}")
        for year in range(first.year - 1, last.year + 1)
    ]
    fiscal_year = max(begin for begin in begins if begin <= first)
    if any(fiscal_year < begin <= last for begin in begins):
        raise UnbookableError(
            _("the period reaches into two fiscal years: write a file for each, better for each month.")
        )
    return Batch(first, last, fiscal_year, local(timezone.now()))


def batch_lines(rows: Iterable[BookingRow], batch: Batch, accounts: "DatevAccounts") -> Iterator[str]:
    """Yield the header, the names of the columns, and a line for each row, for a file in Windows-1252.

    Raises UnbookableError at a row for which no account is named, and where there are too many: the file is of no use
    then.
    """
    writer = csv.writer(Pieces(), delimiter=";", quoting=csv.QUOTE_NONNUMERIC)
    yield writer.writerow(_header(batch, accounts))
    yield writer.writerow([Bare(name) for name in COLUMNS])
    for number, row in enumerate(rows, start=1):
        if number > MAX_ROWS:
            raise UnbookableError(
                _("more than %(maximum)s bookings are too many for one file: give a shorter period."),
                maximum=MAX_ROWS,
            )
        day = day_of(row.booked_at)
        yield writer.writerow(_record(posting_of(row, day, accounts)))


def _header(batch: Batch, accounts: "DatevAccounts") -> list[str]:
    empty, no_text = Bare(""), ""
    return [
        *("EXTF", Bare("700"), Bare("21"), "Buchungsstapel", Bare("13")),
        *(Bare(f"{batch.made_at:%Y%m%d%H%M%S}000"), empty, no_text, no_text, no_text),
        *(Bare(str(accounts.consultant)), Bare(str(accounts.client)), Bare(f"{batch.fiscal_year:%Y%m%d}")),
        *(Bare(str(accounts.account_length)), Bare(f"{batch.first:%Y%m%d}"), Bare(f"{batch.last:%Y%m%d}")),
        *(
            f"Gutscheine {batch.first:%d.%m.%Y}"[:NAME_LENGTH],
            no_text,
            Bare("1"),
            Bare("0"),
            Bare("0"),
            CURRENCY,
        ),
        *(empty, no_text, empty, empty, accounts.chart, empty, empty, no_text, no_text),
    ]


def _record(posting: Posting) -> list[str]:
    values = {
        1: f"{posting.amount:.2f}".replace(".", ","),
        2: posting.side,
        3: CURRENCY,
        7: posting.account,
        8: posting.contra,
        10: f"{posting.day:%d%m}",
        11: _document(posting.document),
        14: _plain(posting.text)[:TEXT_LENGTH],
        114: "0",  # left empty, DATEV would lock the batch so that nothing can be corrected any more
    }
    numbers = range(1, len(COLUMNS) + 1)
    texts = [values.get(number, "") for number in numbers]
    return [
        text if number in TEXT_COLUMNS else Bare(text) for number, text in zip(numbers, texts, strict=True)
    ]


def _document(order_number: str) -> str:
    """Return an order number as a document number: what DATEV does not take becomes an underscore."""
    return NOT_IN_A_DOCUMENT_NUMBER.sub("_", order_number).lstrip("-")[:DOCUMENT_LENGTH]


def _plain(text: str) -> str:
    """Return a text without control characters, in the letters of the file's encoding."""
    shown = "".join(letter if letter.isprintable() else " " for letter in text)
    return shown.encode(ENCODING, "replace").decode(ENCODING)
