"""Recharge a voucher once: the operation is written with the idempotency key of its call, then carried out."""

from collections.abc import Callable
from decimal import Decimal

from voucher_payment_gateway.exceptions import OperationInProgressError, WrongStateError
from voucher_payment_gateway.gateway.operations.execute import execute_written
from voucher_payment_gateway.gateway.operations.recharge import RECHARGE, draft_recharge
from voucher_payment_gateway.gateway.operations.side_by_side import Outbox
from voucher_payment_gateway.gateway.operations.start import execute_new
from voucher_payment_gateway.gateway.records.archived import as_operations
from voucher_payment_gateway.gateway.records.conflicts import (
    atomic_or_conflict,
    in_transaction,
    retry_on_conflict,
)
from voucher_payment_gateway.gateway.records.idempotency import Call, refuse_reused_key, save_key
from voucher_payment_gateway.gateway.records.order_view import is_busy
from voucher_payment_gateway.gateway.records.sales import open_operation
from voucher_payment_gateway.gateway.verbs.once import raise_as_before
from voucher_payment_gateway.models import (
    VoucherArchivedOperation,
    VoucherIdempotencyKey,
    VoucherOperation,
    VoucherSale,
)

__all__ = ["recharge_once"]

CallOf = Callable[[VoucherSale], Call]
"""Takes the stored sale; returns the call by which its recharge is recognised."""


def recharge_once(sale: VoucherSale, amount: Decimal, call_of: CallOf, **by: str) -> VoucherOperation:
    """Add ``amount`` to the voucher of an active ``sale``, unless the call was made before; then answer as it did. A
    sale that is not saved yet is saved with the operation.

    Raises WrongStateError for a sale that is not active, OperationInProgressError while another operation on the
    voucher is open; nothing was sent. Else the errors of ``execute_new``.
    """
    return retry_on_conflict(lambda: _recharge_once(_as_stored(sale), amount, call_of, by))


def _as_stored(sale: VoucherSale) -> VoucherSale:
    """Return the row of the sale as it is now, or a copy to be saved: after a conflict it is made again."""
    if sale.pk is not None:
        stored: VoucherSale = VoucherSale.current.get(pk=sale.pk)
        return stored
    known = VoucherSale.current.filter(account=sale.account, voucher_id=sale.voucher_id).first()
    names = [field.attname for field in VoucherSale._meta.concrete_fields if not field.primary_key]
    return known or VoucherSale(**{name: getattr(sale, name) for name in names})


def _recharge_once(
    sale: VoucherSale, amount: Decimal, call_of: CallOf, by: dict[str, str]
) -> VoucherOperation:
    if sale.pk is not None and (known := call_of(sale).find()):
        return _answer_again(known, sale)
    _refuse_inactive(sale)
    _refuse_busy(sale)
    outbox: Outbox | None = None if in_transaction() else []
    with atomic_or_conflict():
        if sale.pk is None:
            sale.save(force_insert=True)
        row = call_of(sale).new_row()
        save_key(row)
        draft = draft_recharge(sale, amount, idempotency_key=row, **by)
        execute_new(RECHARGE, draft, outbox=outbox)
    for handler, operation in outbox or ():
        execute_written(handler, operation)
    return draft


def _refuse_inactive(sale: VoucherSale) -> None:
    """Raise WrongStateError unless the voucher is active and stays so."""
    if sale.target == "taken_back" and sale.status == "active":
        state = "is being taken back"
    elif sale.status != "active":
        state = {
            "ordered": "is not issued yet",
            "issued": "is not activated yet",
            "taken_back": "was taken back",
        }.get(sale.status, "was never issued")
    else:
        return
    raise WrongStateError(
        f"order {sale.order_number}: the gift voucher …{sale.code_hint} {state}: only an active one can be topped up. "
        "Nothing was sent."
    )


def _refuse_busy(sale: VoucherSale) -> None:
    found = open_operation(sale) if sale.pk is not None else None
    if (found is not None and found.state != "manual") or is_busy(sale.voucher_id):
        raise OperationInProgressError(
            f"order {sale.order_number}: another operation on the gift voucher …{sale.code_hint} is not finished yet. "
            "Nothing was sent."
        )


def _answer_again(row: VoucherIdempotencyKey, sale: VoucherSale) -> VoucherOperation:
    """Go on with what is still due of an earlier call, and answer as that call did."""
    found = VoucherOperation.current.select_related("sale").filter(idempotency_key=row).order_by("-pk")
    operation: VoucherOperation | None = found.first() or _archived(row)
    if operation is None or operation.sale_id != sale.pk:
        refuse_reused_key(row, "voucher")
    if operation.state == "due" and not in_transaction():
        execute_written(RECHARGE, operation)
    raise_as_before(operation)
    return operation


def _archived(row: VoucherIdempotencyKey) -> VoucherOperation | None:
    archived = as_operations(VoucherArchivedOperation.current.filter(idempotency_key=row))
    return archived[-1] if archived else None
