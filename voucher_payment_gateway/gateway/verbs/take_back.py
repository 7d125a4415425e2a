"""Take back the vouchers of a returned order: deactivate and delete them, unless they were spent."""

from datetime import timedelta
from typing import Any

from django.utils import timezone

from voucher_payment_gateway.api import Charge
from voucher_payment_gateway.exceptions import (
    ContractError,
    CredentialsError,
    RefusedError,
    UnavailableError,
    WrongStateError,
)
from voucher_payment_gateway.gateway.operations.deactivate import (
    order_paid_by,
    spent_error,
    topped_up_text,
)
from voucher_payment_gateway.gateway.operations.sale_draft import draft_step
from voucher_payment_gateway.gateway.operations.transitions import create
from voucher_payment_gateway.gateway.records.bookings import bookings_of
from voucher_payment_gateway.gateway.records.conflicts import (
    atomic_or_conflict,
    in_transaction,
    retry_on_conflict,
)
from voucher_payment_gateway.gateway.records.idempotency import check_key
from voucher_payment_gateway.gateway.records.sales import change_sale, open_operation, stored_sale
from voucher_payment_gateway.gateway.records.vouchers import voucher_of
from voucher_payment_gateway.gateway.verbs.advance import MAX_AT_ONCE, advance_all
from voucher_payment_gateway.gateway.verbs.called_off import is_told_unpaid
from voucher_payment_gateway.gateway.verbs.note_return import note_return
from voucher_payment_gateway.gateway.verbs.sell import sales_of
from voucher_payment_gateway.models import VoucherOperation, VoucherSale
from voucher_payment_gateway.money import ZERO
from voucher_payment_gateway.rules.sales import ENDED_SALES, spent_amount
from voucher_payment_gateway.telemetry import verb

__all__ = ["take_back"]

REFUSED_FOR = timedelta(days=1)
"""How long the refusal of an attempt answers for the next one, where the voucher cannot be read."""


@verb
def take_back(order: Any, *, key: str = "", actor: str = "", reason: str = "") -> list[VoucherSale]:
    """Deactivate and delete the unspent vouchers that the order sold, or a single sale given in place of the order.

    Returns the sales that are taken back, at most 20 of them at once, the others by ``settle``; nothing is done for an
    order that sells none, nor for one that was taken back before. Vouchers that were given for the order, such as store
    credit, are taken back only where they are given themselves. A spent voucher stays valid and raises RefusedError
    (``voucher_spent``), which says what was spent; one that pays for another order raises WrongStateError
    (``voucher_in_use``), and so does one that was topped up since (``voucher_topped_up``): that money is not of this
    order. Give such a sale itself to take it back all the same. The other vouchers of the order are taken back.

    The decision stays with the order: a voucher that it sells, and of which no sale is written yet, gets one that ends
    at once, so an ``activate`` that is older, or comes late, sells none. A single sale that is given stays taken back,
    also where its order is paid later.

    All that is wanted is written in one transaction before anything is changed at the Voucher Cloud, so whatever ends
    this call, ``settle`` goes on with it. Inside the caller's transaction nothing is read or sent before its commit;
    what is found out only then, such as a voucher that was spent, leaves it valid, and ``voucher_needs_review`` is
    sent: refund what was paid for a voucher when ``voucher_taken_back`` comes.

    Raises PaymentStateError for a sale that is not stored; nothing was sent. UnavailableError, CredentialsError and
    ContractError where it could not be read whether something was spent, or not be taken back: ``settle`` goes on with
    it. No money moves: what was paid for a voucher is refunded by the shop.
    """
    check_key(key)
    is_one = isinstance(order, VoucherSale)
    by = {name: text for name, text in (("actor", actor[:150]), ("reason", reason[:255])) if text}
    if not is_one:
        note_return(order, lambda: is_told_unpaid(order), by)
    given = [stored_sale(order)] if is_one else [sale for sale in sales_of(order) if sale.origin == "sold"]
    sales = [sale for sale in given if sale.status not in ENDED_SALES]
    wanted, errors = _without_used(sales, may_be_topped_up=is_one)
    told_unpaid = bool(wanted) and not is_one and is_told_unpaid(order)
    taken = retry_on_conflict(lambda: _write(wanted, by, may_be_topped_up=is_one, told_unpaid=told_unpaid))
    advance_all(taken)
    if errors:
        raise errors[0]
    return list(VoucherSale.current.filter(pk__in=[sale.pk for sale in taken]))


def _without_used(
    sales: list[VoucherSale], *, may_be_topped_up: bool
) -> tuple[list[VoucherSale], list[RefusedError | WrongStateError]]:
    """Return the sales of which nothing is known that forbids to take them back, and why the others are not.

    The bookings of the first ones are read, until one cannot be; those of the others when they are deactivated.
    """
    unused, errors = [], list[RefusedError | WrongStateError]()
    reads_left = 0 if in_transaction() else MAX_AT_ONCE
    for sale in sales:
        try:
            if _is_valid(sale):
                _refuse_in_use(sale)
                if reads_left > 0:
                    reads_left = reads_left - 1 if _is_read(sale, may_be_topped_up) else 0
                elif not may_be_topped_up:
                    _refuse_refused_today(sale)
                _refuse_known_top_up(sale, may_be_topped_up)
            unused.append(sale)
        except (RefusedError, WrongStateError) as error:
            errors.append(error)
    return unused, errors


def _is_valid(sale: VoucherSale) -> bool:
    return sale.status == "active" and sale.target != "taken_back"


def _is_read(sale: VoucherSale, may_be_topped_up: bool) -> bool:
    """Return whether the bookings of the voucher could be read. Raises where they forbid to take it back."""
    try:
        bookings = _bookings(sale)
    except (UnavailableError, CredentialsError, ContractError):
        return False
    if (spent := spent_amount(bookings)) > ZERO:
        raise spent_error(sale, spent)
    if not may_be_topped_up and any(row.type == "recharge" for row in bookings):
        raise _topped_up(sale)
    return True


def _refuse_in_use(sale: VoucherSale) -> None:
    """Raise where an order of this shop counts on the voucher."""
    if number := order_paid_by(sale):
        raise WrongStateError(
            f"order {sale.order_number}: the gift voucher …{sale.code_hint} pays for order {number}: it cannot be "
            "taken back. Nothing was sent.",
            code="voucher_in_use",
        )


def _refuse_refused_today(sale: VoucherSale) -> None:
    """Raise what the last attempt has found, where it was made within a day: a save that repeats the event in each
    transaction would otherwise write an operation that is refused again."""
    attempts = VoucherOperation.current.filter(sale=sale, kind="deactivate").order_by("-number")
    last: VoucherOperation | None = attempts.first()
    since = timezone.now() - REFUSED_FOR
    if last is None or last.state != "refused" or last.settled_at is None or last.settled_at < since:
        return
    raise WrongStateError(
        f"order {sale.order_number}: to take the gift voucher …{sale.code_hint} back was refused today "
        f"({last.error_code}). It is still valid. Give the sale itself to try it again. Nothing was sent.",
        code=last.error_code,
    )


def _refuse_known_top_up(sale: VoucherSale, may_be_topped_up: bool) -> None:
    """Raise where our records know that the voucher was topped up, or is about to be."""
    if may_be_topped_up:
        return
    operation = open_operation(sale)
    if sale.amount_topped_up > ZERO or (operation is not None and operation.kind == "recharge"):
        raise _topped_up(sale)


def _topped_up(sale: VoucherSale) -> WrongStateError:
    return WrongStateError(
        f"order {sale.order_number}: {topped_up_text(sale)} Nothing was sent.", code="voucher_topped_up"
    )


def _bookings(sale: VoucherSale) -> list[Charge]:
    """Return the bookings of the voucher; none where it was deleted at the Voucher Cloud: it is taken back already."""
    try:
        return bookings_of(sale.voucher_id, sale.account)
    except ContractError:
        if voucher_of(sale.voucher_id, sale.account) is None:
            return []
        raise


def _write(
    sales: list[VoucherSale], by: dict[str, str], *, may_be_topped_up: bool, told_unpaid: bool
) -> list[VoucherSale]:
    """Store that these are to be taken back, all at once; those that are valid each with the operation that does it.

    One whose order was never paid ends for that reason: it is sold again once the order is paid after all. All is read
    before the transaction: on SQLite one that has read cannot wait for the lock to write.
    """
    stored = list(VoucherSale.current.filter(pk__in=[sale.pk for sale in sales]))
    changed = [sale for sale in stored if sale.status not in ENDED_SALES and sale.target != "taken_back"]
    drafts = {
        sale.pk: draft_step(sale, "deactivate", amount_asked=None if may_be_topped_up else sale.amount, **by)
        for sale in changed
        if sale.status == "active" and open_operation(sale) is None
    }
    with atomic_or_conflict():
        for sale in changed:
            end_reason = "unpaid" if told_unpaid and _was_never_to_be_active(sale) else "returned"
            changes = {"target": "taken_back", "end_reason": end_reason, "due_at": timezone.now(), **by}
            if sale.pk in drafts:
                create(drafts[sale.pk], "due", due_at=timezone.now(), subject_changes=changes)
            else:
                change_sale(sale, **changes)
    return list(VoucherSale.current.filter(pk__in=[sale.pk for sale in sales]))


def _was_never_to_be_active(sale: VoucherSale) -> bool:
    return sale.origin == "sold" and sale.target == "issued"
