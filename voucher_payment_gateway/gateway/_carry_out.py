"""Carrying out what a verb has planned, one operation after the other."""

from collections.abc import Callable
from decimal import Decimal
from typing import Any

from django.db import transaction

from voucher_payment_gateway.exceptions import VoucherGatewayError
from voucher_payment_gateway.gateway._operations import Kind, of, resume, start
from voucher_payment_gateway.gateway._orders import OrderView, database, decide, look
from voucher_payment_gateway.models import VoucherOperation, VoucherPayment
from voucher_payment_gateway.money import ZERO

__all__ = ["Done", "Plan", "carry_out"]

Done = list[VoucherOperation]
Plan = Callable[[OrderView, Done, Decimal | None], list[VoucherOperation]]
"""Given the order as it stands, what this run has done, and how much is left to do (None: all there is), return
the operations that are to be started."""


def carry_out(
    kind: Kind,
    order_number: str,
    plan: Plan,
    *,
    pk: int | None = None,
    asked: Decimal | None = None,
    payment_changes: dict[str, Any] | None = None,
) -> list[VoucherPayment]:
    """Do all that ``plan`` says, each operation on its own, and return the payments touched.

    What was written down before and never sent is sent now: asking again for all, or for the same capture, means
    that. A second refund of the same amount may be another return, so it has to wait. Where somebody else wrote
    about the order meanwhile, the rest is planned anew. All are tried; then the first error is raised.
    """
    done: Done = []
    errors: list[VoucherGatewayError] = []

    def attempt(operation: VoucherOperation, step: Callable[[], object]) -> None:
        try:
            step()
        except VoucherGatewayError as error:
            errors.append(error)
        done.append(operation)

    def go_on() -> None:
        view = look(order_number)
        for operation in _never_sent(kind, view.part(pk), asked, done):
            attempt(operation, lambda o=operation: resume(kind, o))  # type: ignore[misc]
        if done:
            view = look(order_number)
        left = asked if asked is None else asked - sum((operation.amount for operation in done), ZERO)
        if left is not None and left <= ZERO:
            return
        number = view.next_number
        for draft in plan(view, done, left):
            draft.number = number
            attempt(draft, lambda d=draft: start(kind, d, **payment_changes or {}))  # type: ignore[misc]
            number = draft.number + 1

    decide(go_on)
    if errors:
        raise errors[0]
    return list({of(operation).pk: of(operation) for operation in done}.values())


def _never_sent(kind: Kind, payments: list[VoucherPayment], asked: Decimal | None, done: Done) -> Done:
    """Return the operations that are due, where they are what is asked for. Sending waits for a commit."""
    waiting = [payment for payment in payments if payment.has_open_operation]
    if not waiting or transaction.get_connection(database()).in_atomic_block:
        return []
    due = VoucherOperation.objects.using(database()).filter(payment__in=waiting, kind=kind.name, state="due")
    operations = [operation for operation in due.select_related("payment") if operation not in done]
    same = asked == sum((operation.amount for operation in operations), ZERO) and kind.name == "charge"
    return operations if asked is None or same else []
