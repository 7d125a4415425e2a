"""What a DATEV file leaves out, and which of its bookings rest on something else than the sale of their voucher."""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from django.utils.translation import gettext_noop as _

from voucher_payment_gateway.books.postings import CURRENCY, is_decided_by_settings
from voucher_payment_gateway.books.rows import SOLD_ELSEWHERE, BookingRow

__all__ = ["FileNotes"]


@dataclass
class FileNotes:
    """Counted while the rows are read, so complete only after the last line.

    ``left_out`` has the number of bookings by currency that are not in the file; ``decided`` counts those that are
    booked as ``unknown_vat`` or ``unknown_rate`` say, ``sold_elsewhere`` those booked by the kind that the Voucher
    Cloud names, since this shop did not sell the voucher.
    """

    left_out: Counter[str] = field(default_factory=Counter)
    decided: int = 0
    sold_elsewhere: int = 0

    def in_euros(self, rows: Iterable[BookingRow]) -> Iterator[BookingRow]:
        """Yield the rows in EUR, and count."""
        for row in rows:
            if row.currency != CURRENCY:
                self.left_out[row.currency] += 1
                continue
            if is_decided_by_settings(row):
                self.decided += 1
            elif row.origin in SOLD_ELSEWHERE:
                self.sold_elsewhere += 1
            yield row

    def left_out_sentence(self) -> tuple[str, dict[str, object]] | None:
        """Return the sentence about what is not in the file, with its words; None where nothing is left out."""
        if not self.left_out:
            return None
        each = ", ".join(f"{count} {currency}" for currency, count in sorted(self.left_out.items()))
        return _("Left out, since a DATEV file takes EUR alone: bookings in other currencies (%(each)s)."), {
            "each": each
        }

    def sentences(self) -> list[tuple[str, dict[str, object]]]:
        """Return a sentence for each note, with its words, so that a page can say it in its own language."""
        found: list[tuple[str, dict[str, object]]] = []
        if left_out := self.left_out_sentence():
            found.append(left_out)
        if self.decided:
            text = _(
                "%(count)s bookings are of gift vouchers whose kind or rate of VAT is not known: they are booked as "
                "DATEV_ACCOUNTS.unknown_vat and unknown_rate say."
            )
            found.append((text, {"count": self.decided}))
        if self.sold_elsewhere:
            text = _(
                "%(count)s bookings are of gift vouchers that this shop did not sell: they are booked by the kind "
                "that the Voucher Cloud names."
            )
            found.append((text, {"count": self.sold_elsewhere}))
        return found
