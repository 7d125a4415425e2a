"""Look at the status of orders again: a bulk update, a crash between commit and hook, or a missed signal.

A run reads a bounded number of payments, goes on where the last one ended, and begins again at the end. The verbs are
called by ``events``, a higher layer, which connects itself here where ``ON_STATUS`` is set.
"""

from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

from django.db.models import OuterRef, Q, QuerySet, Subquery, Value
from django.db.models.functions import Coalesce
from django.utils import timezone

from voucher_payment_gateway.conf import gateway_settings
from voucher_payment_gateway.exceptions import VoucherGatewayError
from voucher_payment_gateway.gateway.records.order_view import read_order
from voucher_payment_gateway.gateway.recovery.callbacks import BY_STATUS, Run
from voucher_payment_gateway.gateway.recovery.cursor import behind, next_rows
from voucher_payment_gateway.gateway.recovery.sales_by_status import log_once, run_sales_by_status
from voucher_payment_gateway.log_events import PaymentEvents
from voucher_payment_gateway.models import VoucherOperation, VoucherPayment
from voucher_payment_gateway.models.conditions import BOOKS, IS_NOT_ENDED, IS_OPEN
from voucher_payment_gateway.money import ZERO
from voucher_payment_gateway.order_lookup import readable_orders
from voucher_payment_gateway.orders import has_status, known_number, order_facts
from voucher_payment_gateway.payable import with_sold
from voucher_payment_gateway.rules.by_status import SWEPT_VERBS, may_have_effect
from voucher_payment_gateway.rules.cover import outlives_hold
from voucher_payment_gateway.rules.states import HELD_BEFORE

__all__ = ["run_by_status", "was_refused"]

CURSOR = "status_sweep"
"""The name of the stored cursor: the last payment that was looked at, empty at the beginning."""


def was_refused(verb: str, order: Any) -> bool:
    """Return whether a refund of this order was refused or needs review, and log it: no save tries it again."""
    refunds = VoucherOperation.current.of_payments(order_number=known_number(order))
    if not refunds.left_to_a_person().exists():
        return False
    PaymentEvents.earlier_refund_undecided.log(verb=verb, order_number=known_number(order))
    return True


def run_by_status(limit: int, stop: Callable[[], bool]) -> int:
    """Look at the orders of up to ``limit`` payments, and as many sales, of the last ``CONFIRMED_DAYS`` that have not
    ended, and run the verbs that their status asks for and that may have an effect. Return how many were run.

    Without ``ON_STATUS`` nothing is read. Errors are logged, each once a day.
    """
    count = 0
    for run in BY_STATUS:
        for order, payments in _next_orders(limit):
            if stop():
                break
            count += sum(_run_if_needed(run, verb, order, payments) for verb in SWEPT_VERBS)
        count += run_sales_by_status(limit, stop)
    return count


def _run_if_needed(run: Run, verb: Any, order: Any, payments: list[Any]) -> int:
    number = payments[0].order_number
    try:
        if not any(may_have_effect(verb, payment) for payment in payments):
            return 0
        if not has_status(order, _statuses(verb)) or not _is_due(verb, order, number):
            return 0
        run(verb, order)
    except VoucherGatewayError as error:
        log_once(number, verb, error.code)
    except Exception as error:
        log_once(number, verb, type(error).__name__)
    else:
        return 1
    return 0


def _statuses(verb: str) -> list[str]:
    """Return the statuses in which the verb runs; ``CAPTURE`` may say that an order is charged when it is confirmed."""
    settings = gateway_settings()
    by_verb: Any = settings.ON_STATUS
    statuses = list(by_verb.get(verb, []))
    if verb == "capture" and settings.CAPTURE == "immediate":
        statuses += by_verb.get("authorize", [])
    return statuses


def _is_due(verb: str, order: Any, number: str) -> bool:
    """Return whether the order needs what would be held or charged. Raises PaymentStateError where that cannot be
    known, or its currency was changed."""
    if verb not in ("authorize", "capture"):
        return True
    facts, view = with_sold(order_facts(order), order), read_order(number)
    view.refuse_other_currency(facts.currency)
    if verb == "authorize":
        return view.due(facts.payable) > ZERO or any(map(_is_to_be_confirmed, view.payments))
    taken = [payment for payment in view.payments if payment.status in HELD_BEFORE or outlives_hold(payment)]
    return view.due(facts.payable, without=taken) > ZERO


def _is_to_be_confirmed(payment: VoucherPayment) -> bool:
    return payment.status == "authorized" and payment.confirmed_at is None


def _next_orders(limit: int) -> Iterator[tuple[Any, list[Any]]]:
    """Yield the orders of the next payments, each with those payments."""
    payments: dict[str, list[Any]] = {}
    for payment in next_rows(CURSOR, _payments_after, limit):
        payments.setdefault(payment.order_number, []).append(payment)
    orders, _ = readable_orders(list(payments))
    for number, order in orders.items():
        yield order, payments[number]


def _payments_after(cursor: str) -> QuerySet[Any]:
    since = timezone.now() - timedelta(days=gateway_settings().CONFIRMED_DAYS)
    recent: QuerySet[Any] = VoucherPayment.current.with_open_charge().filter(
        IS_NOT_ENDED, updated_at__gte=since
    )
    recent = behind(recent, cursor, since)
    operations = VoucherOperation.objects.all().order_by()
    is_open = operations.filter(Q(BOOKS, IS_OPEN) | Q(kind="charge", state="manual"), payment=OuterRef("pk"))
    refused = operations.of_payments(order_number=OuterRef("order_number")).left_to_a_person()
    counted: QuerySet[Any] = recent.annotate(
        has_open_operation=_exists(is_open), was_refused=_exists(refused)
    ).order_by("updated_at", "pk")
    return counted


def _exists(operations: QuerySet[Any]) -> Coalesce:
    """Not ``Exists``: PostgreSQL may scan the whole ledger once, in place of a look at each payment's operations."""
    return Coalesce(Subquery(operations.values(found=Value(True))[:1]), Value(False))
