"""Lazy pagination, with loop detection."""

from dataclasses import dataclass, field, replace
from typing import Generic, TypeVar

from pydantic import ValidationError

from voucher_payment_gateway.api._calls import Call
from voucher_payment_gateway.api.wire import Charge, Envelope, Voucher
from voucher_payment_gateway.exceptions import ContractError

Row = TypeVar("Row", Voucher, Charge)

MAX_PAGES = 10_000


@dataclass(slots=True)
class Pages(Generic[Row]):
    """The pages of one list: gives the next call, takes its page, returns the new rows."""

    call: Call[Envelope]
    row: type[Row]
    _page: int = 0
    _more: bool = True
    _seen: set[str] = field(default_factory=set)
    _sent: int = 0
    _promised: int | None = None

    def next_call(self) -> Call[Envelope] | None:
        """Return the call for the next page, or None after the last one."""
        if not self._more:
            return None
        self._page += 1
        return replace(self.call, query=(*self.call.query, ("page", str(self._page))))

    def take(self, page: Envelope) -> list[Row] | ContractError:
        """Return the rows of the page not seen before: rows shift when another client adds some."""
        rows = _rows(self.row, page)
        if rows is None or (page.meta is not None and page.meta.current_page != self._page):
            return ContractError()
        by_id = {row.id: row for row in rows}
        if any(by_id[row.id] != row for row in rows):  # two bookings with one id: neither may hide the other
            return ContractError()
        fresh = [row for row in by_id.values() if row.id not in self._seen]
        self._seen.update(row.id for row in fresh)
        self._sent += len(rows)
        self._more = self._says_more(page)
        if self._more and (not fresh or self._page >= MAX_PAGES):
            # A list that repeats pages, or never ends, cannot prove that a row is absent.
            return ContractError()
        return ContractError() if self._falls_short(page) else fresh

    def _falls_short(self, page: Envelope) -> bool:
        """Return whether the list ended with fewer rows than announced: an incomplete list proves no absence.

        Rows that another client adds in the meantime are tolerated: they were not announced by the first page,
        and push rows to a later page, where these are sent twice. A row that is deleted in the meantime pulls
        rows to a page that was already read: then fewer rows come than announced, and the list proves nothing.
        """
        total = page.meta.total if page.meta is not None else None
        if self._promised is None:
            self._promised = total
        if self._more:
            return False
        return len(self._seen) < (self._promised or 0) or self._sent < (total or 0)

    def _says_more(self, page: Envelope) -> bool:
        if page.meta is not None:
            return page.meta.last_page > self._page
        return page.links is not None and page.links.next is not None


def _rows(model: type[Row], page: Envelope) -> list[Row] | None:
    try:
        return [model.model_validate(row) for row in page.data]
    except ValidationError:
        return None
