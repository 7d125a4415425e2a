"""The statement of a voucher: every booking that the Voucher Cloud has for it, tills included, beside ours."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from django.contrib import admin
from django.core.exceptions import ImproperlyConfigured, PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import path
from django.utils.decorators import method_decorator
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache

from voucher_payment_gateway.admin.addresses import APP, order_address
from voucher_payment_gateway.checkout.wording import amount_text
from voucher_payment_gateway.exceptions import (
    ContractError,
    CredentialsError,
    ThrottledError,
    VoucherGatewayError,
)
from voucher_payment_gateway.gateway.records.archived import archived_on, as_operations
from voucher_payment_gateway.gateway.records.bookings import bookings_of
from voucher_payment_gateway.gateway.records.vouchers import voucher_of
from voucher_payment_gateway.models import VoucherOperation
from voucher_payment_gateway.models.conditions import BOOKS

if TYPE_CHECKING:
    from voucher_payment_gateway.api import Charge, Voucher

    AnyPage = admin.ModelAdmin[Any]
else:
    AnyPage = admin.ModelAdmin

__all__ = ["Entry", "Statement", "StatementPages", "read_statement"]

MAX_OURS = 1000
"""The newest operations of ours that are compared: a voucher has some."""


@dataclass(frozen=True)
class Entry:
    """One booking. ``theirs`` is the Voucher Cloud's row and ``ours`` the operation; None where a side has none.

    ``may_be_ours``: an operation of ours that is not decided has its kind and amount.
    """

    theirs: "Charge | None"
    ours: VoucherOperation | None
    may_be_ours: bool = False

    @property
    def at(self) -> datetime | None:
        if self.theirs is not None and self.theirs.created_at:
            return self.theirs.created_at
        return (self.ours.settled_at or self.ours.created_at) if self.ours is not None else None

    @property
    def kind(self) -> str:
        return self.theirs.type if self.theirs is not None else self.ours.kind if self.ours else ""

    @property
    def amount(self) -> Decimal | None:
        return self.theirs.amount if self.theirs is not None else self.ours.amount if self.ours else None

    @property
    def differs(self) -> bool:
        """Whether both sides have it with another amount or kind."""
        if self.theirs is None or self.ours is None:
            return False
        return (self.theirs.type, self.theirs.amount) != (self.ours.kind, self.ours.amount)


@dataclass(frozen=True)
class Statement:
    """A voucher and its bookings, oldest first. ``problem`` is a sentence where they could not be read: then there are
    only ours. ``voucher`` is None where the Voucher Cloud has none with this id."""

    voucher: "Voucher | None"
    entries: list[Entry]
    problem: str = ""


def read_statement(voucher_id: str, account: str) -> Statement:
    """Read the voucher and all of its bookings at the Voucher Cloud, and ours. Nothing is changed, and no code read."""
    ours = VoucherOperation.current.filter(BOOKS, voucher_id=voucher_id).of_account(account)
    live = list(ours.select_related("payment", "sale").order_by("-pk")[:MAX_OURS])[::-1]
    moved = archived_on(account, [voucher_id]).filter(BOOKS).order_by("-pk")
    archived = as_operations(moved[:MAX_OURS])
    known = list({each.pk: each for each in (*archived, *live)}.values())  # one may be moved meanwhile
    try:
        voucher = voucher_of(voucher_id, account)
        bookings = bookings_of(voucher_id, account) if voucher is not None else []
    except (VoucherGatewayError, ImproperlyConfigured) as error:
        return Statement(None, [Entry(None, operation) for operation in known], problem_text(error))
    gone = _("The Voucher Cloud has no gift voucher with this id (any more).")
    return Statement(voucher, list(_entries(bookings, known)), "" if voucher is not None else gone)


def _entries(bookings: "list[Charge]", known: list[VoucherOperation]) -> list[Entry]:
    of_id = {operation.remote_id: operation for operation in known if operation.remote_id}
    undecided = {(each.kind, each.amount) for each in known if _may_have_booked(each)}
    entries = [
        Entry(booking, of_id.pop(booking.id, None), (booking.type, booking.amount) in undecided)
        for booking in bookings
    ]
    left = set(of_id.values()) | {operation for operation in known if _may_have_booked(operation)}
    entries += [Entry(None, operation) for operation in known if operation in left]
    return sorted(entries, key=lambda entry: entry.at.timestamp() if entry.at else 0)


def _may_have_booked(operation: VoucherOperation) -> bool:
    """Return whether it has no booking of its own, and one may be or come."""
    return not operation.remote_id and operation.state in ("due", "sending", "unknown", "manual")


def problem_text(error: Exception) -> str:
    """Return what a clerk is told where the bookings cannot be read."""
    if isinstance(error, ThrottledError):
        return _("The Voucher Cloud is asked too often just now. Please try again in a minute.")
    is_unknown = isinstance(error, CredentialsError) and error.code == "account_unknown"
    if is_unknown or isinstance(error, ImproperlyConfigured):
        return _(
            "This shop has no credentials for the account of this gift voucher. Please ask the technicians."
        )
    if isinstance(error, CredentialsError):
        return _(
            "The Voucher Cloud does not let this shop read the bookings. Please ask the technicians to run "
            "voucher_doctor."
        )
    if isinstance(error, ContractError):
        return _("The Voucher Cloud gave an answer that cannot be understood. Please ask the technicians.")
    return _("The Voucher Cloud cannot be reached just now. Please try again later.")


class StatementPages(AnyPage):
    """Gives the admin of payments the statement of a voucher, for those who may look at payments."""

    def get_urls(self) -> list[Any]:
        view = self.admin_site.admin_view(self.statement_page)
        return [path("statement/", view, name=f"{APP}_statement"), *super().get_urls()]

    @method_decorator(never_cache)
    def statement_page(self, request: HttpRequest) -> HttpResponse:
        """Show the statement of ``?voucher=&account=``, or the form that asks for the id of a voucher."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        voucher_id, account = request.GET.get("voucher", "").strip(), request.GET.get("account", "")
        statement = read_statement(voucher_id, account) if voucher_id else None
        context = self.admin_site.each_context(request) | {
            "opts": self.opts,
            "title": _("Statement of a gift voucher"),
            "voucher_id": voucher_id,
            "account": account,
            "statement": statement,
            "rows": [] if statement is None else list(self._rows(statement)),
            "balance": statement and statement.voucher and _balance(statement.voucher),
        }
        return TemplateResponse(request, f"admin/{APP}/statement.html", context)

    def _rows(self, statement: Statement) -> Iterator[dict[str, Any]]:
        kinds = {str(kind): label for kind, label in VoucherOperation.Kind.choices}
        for entry in statement.entries:
            ours, theirs = entry.ours, entry.theirs
            currency = statement.voucher.currency if statement.voucher else ours.currency if ours else ""
            yield {
                "at": entry.at,
                "kind": kinds.get(entry.kind, entry.kind),
                "amount": amount_text(entry.amount, currency) if entry.amount is not None else "",
                "sign": "−" if entry.kind == "charge" else "+",
                "theirs": theirs,
                "ours": ours,
                "comparison": _state(entry, is_read=not statement.problem),
                "tone": _tone(entry, is_read=not statement.problem),
                "order_address": order_address(self.admin_site, ours.order_number) if ours else "",
            }


def _state(entry: Entry, *, is_read: bool) -> str:
    if not is_read:
        return _("only ours, not compared")
    if entry.ours is None and entry.may_be_ours:
        return _("perhaps of a step of this shop that is not decided yet")
    if entry.ours is None:
        return _("not of this shop's orders: a till, another client, or by hand")
    if entry.theirs is None:
        is_open = entry.ours.state in ("due", "sending", "unknown", "manual")
        return _("not booked, or not yet") if is_open else _("ours, but not at the Voucher Cloud")
    return _("differs from ours") if entry.differs else _("as in our records")


def _tone(entry: Entry, *, is_read: bool) -> str:
    if not is_read or entry.ours is None:
        return "none"
    if entry.theirs is None:
        return "attention" if entry.ours.remote_id else "open"
    return "attention" if entry.differs else "done"


def _balance(voucher: "Voucher") -> str:
    left = voucher.remaining_amount
    return "" if left is None else amount_text(left, voucher.currency)
