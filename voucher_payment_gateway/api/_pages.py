"""Lists: page after page, only as far as the caller reads, and never round in a circle."""

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
    """The pages of one list: asks for the next call, takes its page, says which rows are new."""

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
        """Return the rows of the page not seen before: rows shift when others are added meanwhile."""
        rows = _rows(self.row, page)
        if rows is None or (page.meta is not None and page.meta.current_page != self._page):
            return ContractError()
        by_id = {row.id: row for row in rows}
        if any(by_id[row.id] != row for row in rows):  # two bookings under one id: neither may hide the other
            return ContractError()
        fresh = [row for row in by_id.values() if row.id not in self._seen]
        self._seen.update(row.id for row in fresh)
        self._sent += len(rows)
        self._more = self._says_more(page)
        if self._more and (not fresh or self._page >= MAX_PAGES):
            # Pages that repeat, or that promise more for ever, cannot prove that something is absent.
            return ContractError()
        return ContractError() if self._falls_short(page) else fresh

    def _falls_short(self, page: Envelope) -> bool:
        """Whether the list has ended with fewer rows than it promised: an incomplete one proves no absence.

        Tolerated is what others add meanwhile: such rows were not promised when the list began, and they push
        others to a later page, where these are sent again. A row that vanishes meanwhile pulls others to a page
        that was read already, unseen: then fewer come than were promised at first, and the list proves nothing.
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
