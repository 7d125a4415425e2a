"""Carrying out what a verb has planned, one operation after the other."""

from collections.abc import Callable
from typing import Any

from voucher_payment_gateway.exceptions import VoucherGatewayError
from voucher_payment_gateway.gateway._operations import Kind, of, start
from voucher_payment_gateway.gateway._orders import OrderView, decide, look
from voucher_payment_gateway.models import VoucherOperation, VoucherPayment

__all__ = ["Plan", "carry_out"]

Plan = Callable[[OrderView, list[VoucherOperation]], list[VoucherOperation]]
"""Given the order as it stands and what this run has done, return the operations that are left to do."""


def carry_out(kind: Kind, order_number: str, plan: Plan, **payment_changes: Any) -> list[VoucherPayment]:
    """Do all that ``plan`` says, each operation on its own, and return the payments touched.

    Where somebody else wrote about the order meanwhile, the rest is planned anew. All are tried; then the first
    error is raised.
    """
    done: list[VoucherOperation] = []
    errors: list[VoucherGatewayError] = []

    def go_on() -> None:
        view = look(order_number)
        number = view.next_number
        for draft in plan(view, done):
            draft.number = number
            try:
                start(kind, draft, **payment_changes)
            except VoucherGatewayError as error:
                errors.append(error)
            done.append(draft)
            number = draft.number + 1

    decide(go_on)
    if errors:
        raise errors[0]
    return list({of(operation).pk: of(operation) for operation in done}.values())
