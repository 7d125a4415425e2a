"""Bring a sale to the status that the shop wants, one operation at a time.

A verb stores what is wanted, in the caller's transaction; this is called after its commit, and by ``settle``. So an
event that comes twice, or a crash after any step, leads to the same end.
"""

from collections.abc import Iterable

import django.db
from django.db import transaction
from django.utils import timezone

from voucher_payment_gateway.conf import gateway_settings
from voucher_payment_gateway.exceptions import RefusedError, VoucherGatewayError, WrongStateError
from voucher_payment_gateway.gateway.operations.execute import execute_due
from voucher_payment_gateway.gateway.operations.registry import HANDLERS
from voucher_payment_gateway.gateway.operations.sale_draft import draft_step
from voucher_payment_gateway.gateway.operations.start import execute_new
from voucher_payment_gateway.gateway.records.announce import announce_sale
from voucher_payment_gateway.gateway.records.conflicts import (
    ConflictError,
    database,
    in_transaction,
    retry_on_conflict,
)
from voucher_payment_gateway.gateway.records.sales import change_sale, open_operation, was_sent
from voucher_payment_gateway.gateway.records.vouchers import voucher_of
from voucher_payment_gateway.gateway.verbs.hand_over import hand_over, is_due_for_delivery, is_slow
from voucher_payment_gateway.log_events import SaleEvents
from voucher_payment_gateway.models import VoucherOperation, VoucherSale
from voucher_payment_gateway.rules.sales import next_step, was_taken_back
from voucher_payment_gateway.signals import voucher_taken_back

__all__ = ["MAX_AT_ONCE", "advance", "advance_all", "advance_replacements"]

MAX_AT_ONCE = 20
"""Maximum number of sales that one call of a verb brings forward itself; ``settle`` does the others."""


def advance_all(sales: Iterable[VoucherSale]) -> None:
    """Bring each sale forward: at once in autocommit mode, else after the caller's commit, where errors are logged.

    All are tried, then the first error is raised. What failed, ``settle`` goes on with.
    """
    waiting = [sale for sale in sales if sale.due_at is not None][:MAX_AT_ONCE]
    if in_transaction():
        # K14: written, but the caller's transaction is not committed
        transaction.on_commit(lambda: _advance_logged(waiting), using=database(), robust=True)
        return
    errors: list[VoucherGatewayError] = []
    for sale in waiting:
        try:
            advance(sale)
        except VoucherGatewayError as error:
            errors.append(error)
    if errors:
        raise errors[0]


def advance_replacements(order_number: str) -> bool:
    """Bring the vouchers forward that stand in place of refunds of the order: at once in autocommit mode, else after
    the caller's commit. Return whether there were any. Errors are logged: ``settle`` goes on with them."""
    if not order_number or "new_voucher" not in gateway_settings().REFUND_FALLBACK:
        return False
    if in_transaction():
        transaction.on_commit(
            lambda: _advance_logged(_replacements(order_number)), using=database(), robust=True
        )
        return False
    sales = _replacements(order_number)
    _advance_logged(sales)
    return bool(sales)


def _replacements(order_number: str) -> list[VoucherSale]:
    sales = VoucherSale.current.filter(order_number=order_number, origin="refund", due_at__isnull=False)
    return list(sales[:MAX_AT_ONCE])


def _advance_logged(sales: list[VoucherSale]) -> None:
    for sale in sales:
        try:
            # K15: the transaction that wrote the sale is committed, nothing sent
            advance(sale)
        except (VoucherGatewayError, ConflictError, django.db.Error) as error:
            reason = getattr(error, "code", type(error).__name__)
            SaleEvents.sale_not_advanced.log(
                order_number=sale.order_number,
                sale=sale.pk,
                account=sale.account,
                error_code=reason,
                problem=str(error) if isinstance(error, RefusedError) else reason,
            )


def advance(sale: VoucherSale) -> bool:
    """Take the steps that bring the sale to its target, and hand its code over if that is due; return whether something
    was done.

    Raises the errors of ``execute_new``: after RefusedError the step has ended, after OutcomeUnknownError ``settle``
    resolves it, else it stays due.
    """
    done = False
    while retry_on_conflict(lambda: _step(sale)):
        done = True
    if is_due_for_delivery(sale) and not is_slow():
        done = hand_over(sale) or done
    return done


def _step(sale: VoucherSale) -> bool:
    """Take one step; return whether another one may follow."""
    sale.refresh_from_db()
    operation = open_operation(sale)
    if operation is not None:
        return _resume(operation)
    if sale.due_at is None:
        return False
    match kind := next_step(sale.status, sale.target, was_sent=was_sent(sale)):
        case None:
            change_sale(sale, due_at=None)
        case "end":
            return _end_unsent(sale)
        case _:
            # written with the sale: a worker that has decided by an earlier state of it conflicts
            execute_new(HANDLERS[kind], draft_step(sale, kind), due_at=sale.due_at)
            return True
    return False


def _end_unsent(sale: VoucherSale) -> bool:
    """End a sale whose creation was never sent, as far as our records know; return whether another step follows: a
    backup that was put back may have lost that, so the voucher may be there under its id, and is taken back then."""
    voucher = voucher_of(sale.voucher_id, sale.account)
    if voucher is not None:
        change_sale(sale, status="active" if voucher.status == "active" else "issued")
        draft = draft_step(sale, "deactivate", amount_asked=sale.amount)
        execute_new(HANDLERS["deactivate"], draft, due_at=sale.due_at)
        return True
    change_sale(sale, status="taken_back", taken_back_at=timezone.now(), due_at=None)
    if was_taken_back(sale.target, sale.end_reason):
        announce_sale(voucher_taken_back, sale, sale.amount)
    return False


def _resume(operation: VoucherOperation) -> bool:
    """Carry out an operation that is due now, or withdraw one that is not wanted any more; return whether another step
    may follow."""
    handler = HANDLERS[operation.kind]
    if operation.state != "due":
        return False
    if operation.due_at and operation.due_at > timezone.now() and not handler.is_cancelled(operation):
        return False
    try:
        execute_due(handler, operation, was_left_due=True)
    except WrongStateError:
        if operation.state != "not_applied":
            raise
    return True
