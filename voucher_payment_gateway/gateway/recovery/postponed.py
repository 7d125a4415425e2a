"""Refunds and cancellations of an event that wait until the vouchers which the order sold are taken back.

The customer would else have both: the money, and the vouchers that it paid for. The request is a row of its own,
written in the caller's transaction, and ``settle`` carries it out.
"""

import hashlib
import uuid
from collections.abc import Callable
from typing import Any

from django.db import transaction

from voucher_payment_gateway.conf import gateway_settings
from voucher_payment_gateway.exceptions import OperationInProgressError, VoucherGatewayError, WrongStateError
from voucher_payment_gateway.gateway.records.conflicts import database, in_transaction
from voucher_payment_gateway.gateway.records.idempotency import check_key
from voucher_payment_gateway.gateway.recovery.callbacks import POSTPONED
from voucher_payment_gateway.gateway.recovery.sales_by_status import valid_although_refunded
from voucher_payment_gateway.log_events import PaymentEvents, RunningEvents
from voucher_payment_gateway.models import VoucherGatewayState, VoucherPayment, VoucherSale
from voucher_payment_gateway.order_lookup import find_order
from voucher_payment_gateway.orders import known_number
from voucher_payment_gateway.rules.sales import ENDED_SALES

__all__ = ["run_postponed", "waits_for_take_back"]

LATER = "-later "
"""What follows the verb in the name of a row."""

TOKEN_LENGTH = 12
"""Of the random text by which a request differs from one that is stored later for the same order."""

VALUE_LENGTH = 255
"""Of the column of a row's value."""


def waits_for_take_back(verb: str, order: Any, amount: Any, key: str = "") -> bool:
    """Return whether ``verb``, which would give back all that vouchers paid for an order, waits until the vouchers that
    it sold are taken back: that is stored and logged, with the ``key`` of the call. A named ``amount`` is a decision of
    the shop's own.

    Raises WrongStateError (``sold_vouchers_valid``) where one of them is valid and stays so: the customer would have
    both.
    """
    valid = [] if amount is not None else valid_although_refunded(order)
    if not valid:
        return False
    number = known_number(order)
    if any(sale.target != "taken_back" for sale in valid):
        raise WrongStateError(
            f"order {number}: no {verb}, the gift vouchers that it sold are still valid and gift vouchers "
            "may have paid for them: take them back first, or refund an amount. Nothing was sent.",
            code="sold_vouchers_valid",
        )
    check_key(key)
    row = _stored(verb, number, key)
    if in_transaction():
        transaction.on_commit(lambda: _carry_out_or_tell(row), using=database(), robust=True)
    else:
        _tell(row)
    return True


def _stored(verb: str, number: str, key: str) -> VoucherGatewayState:
    """Store the request: a new one, or in place of the one that waits already. It is about the payments that the order
    has now: what pays for it later is not given back. A ``key`` that is too long for the column is not kept."""
    digest = hashlib.sha256(number.encode()).hexdigest()[:32]
    last = VoucherPayment.current.filter(order_number=number).order_by("pk").last()
    value = f"{uuid.uuid4().hex[:TOKEN_LENGTH]} {last.pk if last else 0} {number}\n"
    value += key if len(value) + len(key) <= VALUE_LENGTH else ""
    row = VoucherGatewayState(name=f"{verb}{LATER}{digest}", value=value)
    if not VoucherGatewayState.current.filter(name=row.name).update(value=value):
        row, _ = VoucherGatewayState.current.get_or_create(name=row.name, defaults={"value": value})
    return row


def _requested(row: VoucherGatewayState) -> tuple[str, str]:
    """Return the verb that waits, and the number of its order."""
    return row.name.partition(LATER)[0], row.value.rpartition("\n")[0].split(" ", 2)[2]


def _last_paid(row: VoucherGatewayState) -> int:
    """Return the primary key of the last payment that the order had at the event."""
    return int(row.value.split(" ", 2)[1])


def _forget(row: VoucherGatewayState) -> None:
    """Delete the request, unless another event has stored it again since ``row`` was read: that one is still to be
    carried out."""
    VoucherGatewayState.current.filter(name=row.name, value=row.value).delete()


def _carry_out_or_tell(row: VoucherGatewayState) -> None:
    if not _carry_out(row):
        _tell(row)


def _tell(row: VoucherGatewayState) -> None:
    """Log that the verb waits, if it does."""
    if VoucherGatewayState.current.filter(name=row.name).exists():
        verb, number = _requested(row)
        PaymentEvents.refund_waits.log(verb=verb, order_number=number)


def run_postponed(limit: int, stop: Callable[[], bool]) -> int:
    """Carry out up to ``limit`` refunds and cancellations whose vouchers are taken back by now; return how many.
    Nothing is read where no vouchers are sold. Errors are logged: one order keeps no other waiting."""
    if not POSTPONED or not gateway_settings().SOLD_VOUCHERS:
        return 0
    count = 0
    for row in VoucherGatewayState.current.filter(name__contains=LATER).order_by("name"):
        if stop() or count >= limit:
            break
        try:
            count += _carry_out(row)
        except Exception as error:  # of the shop's code
            _log(row, error)
    return count


def _log(row: VoucherGatewayState, error: Exception) -> None:
    verb, number = _requested(row)
    RunningEvents.settle_step_failed.log(
        f"the {verb} of order {number} that follows the return of its sold gift vouchers",
        account="",
        order_number=number,
        subject=type(row).__name__,
        subject_id=row.pk,
        error_code=type(error).__name__,
    )


def _carry_out(row: VoucherGatewayState) -> bool:
    """Run the verb, unless its vouchers are still being taken back; return whether it was run. Where one of them stays
    valid it is dropped, and that is logged: a person must decide."""
    _, number = _requested(row)
    sales = VoucherSale.current.of_order(number).standing().filter(origin="sold")
    valid = [
        sale for sale in sales if sale.status not in ENDED_SALES and "active" in (sale.status, sale.target)
    ]
    if any(sale.target == "taken_back" for sale in valid):
        return False
    if valid:
        _drop(row, "the gift vouchers that it sold are still valid")
        return False
    last = sales.order_by("-updated_at").first()
    by = {"actor": last.actor, "reason": last.reason} if last else {}
    errors = _run(row, by)
    if any(isinstance(error, OperationInProgressError) for error in errors):
        return False
    if errors:
        _drop(row, str(errors[0]).rstrip("."))
        return False
    _forget(row)
    return True


def _subjects(number: str, last_paid: int) -> list[Any]:
    """Return what the verb is run for: the order, or its payments up to ``last_paid`` where the order is not found, or
    was paid again since the event."""
    paying, order = VoucherPayment.current.filter(order_number=number), find_order(number)
    if order is not None and not paying.filter(pk__gt=last_paid).exists():
        return [order]
    return list(paying.filter(pk__lte=last_paid))


def _run(row: VoucherGatewayState, by: dict[str, str]) -> list[VoucherGatewayError]:
    """Run the verb; return its errors. No payment keeps another one waiting, and several cannot share the key."""
    (verb, number), key, errors = _requested(row), row.value.rpartition("\n")[2], []
    for subject in _subjects(number, _last_paid(row)):
        try:
            for run in POSTPONED:
                run(verb, subject, **by, key=key)
        except VoucherGatewayError as error:
            errors.append(error)
        key = ""
    return errors


def _drop(row: VoucherGatewayState, problem: str) -> None:
    """Tell that the request is given up, then delete it: a process that dies between the two tells it twice."""
    verb, number = _requested(row)
    PaymentEvents.refund_given_up.log(verb=verb, order_number=number, problem=problem)
    _forget(row)
