"""Hold the right amount once the shop's transaction is committed: its order may have another total by then.

Django's admin saves an order before its lines, so a verb that runs at the save still sees the total of the old lines.
"""

from collections.abc import Callable

import django.db
from django.db import transaction

from voucher_payment_gateway.exceptions import VoucherGatewayError
from voucher_payment_gateway.gateway.records.conflicts import ConflictError, database
from voucher_payment_gateway.log_events import PaymentEvents
from voucher_payment_gateway.order_lookup import facts_by_number
from voucher_payment_gateway.orders import OrderFacts
from voucher_payment_gateway.payable import with_sold

__all__ = ["repeat_if_total_changes"]


def repeat_if_total_changes(used: OrderFacts, verb: Callable[[OrderFacts], object]) -> None:
    """Inside a transaction, call ``verb`` again after the commit with the order as it is committed, if gift vouchers
    may pay another amount of it than the verb ``used``. Outside of one, and for an order that is not found by its
    number, do nothing.

    Nothing is charged. Errors are logged: the verb has returned. Calling it again with the same total is safe.
    """
    if transaction.get_connection(database()).in_atomic_block:
        transaction.on_commit(lambda: _repeat(used, verb), using=database(), robust=True)


def _repeat(used: OrderFacts, verb: Callable[[OrderFacts], object]) -> None:
    try:
        committed = facts_by_number(used.number)
        if committed is None:
            return
        committed = with_sold(committed)
        if (committed.payable, committed.currency) != (used.payable, used.currency):
            verb(committed)
    except (VoucherGatewayError, ConflictError, django.db.Error) as error:
        reason = getattr(error, "code", type(error).__name__)
        PaymentEvents.not_held_again.log(order_number=used.number, error_code=reason)
