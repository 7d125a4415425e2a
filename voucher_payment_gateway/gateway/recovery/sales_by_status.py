"""Sales by the status of their order: errors that never prevent its save, and changes that were made unnoticed.

An order without any sale row is found by no sweep: nothing in our tables names it.
"""

import hashlib
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import django.db
from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from voucher_payment_gateway.conf import gateway_settings
from voucher_payment_gateway.exceptions import VoucherGatewayError
from voucher_payment_gateway.gateway.records.conflicts import database, in_transaction
from voucher_payment_gateway.gateway.records.order_numbers import number_for_log
from voucher_payment_gateway.gateway.recovery.cursor import behind, next_rows
from voucher_payment_gateway.gateway.verbs.sell import activate, sales_of
from voucher_payment_gateway.gateway.verbs.take_back import take_back
from voucher_payment_gateway.log_events import PaymentEvents
from voucher_payment_gateway.models import VoucherPayment, VoucherSale
from voucher_payment_gateway.order_lookup import find_order, readable_orders
from voucher_payment_gateway.orders import has_status, known_number
from voucher_payment_gateway.rules.sales import ENDED_SALES, may_change
from voucher_payment_gateway.short_memory import is_first, recall, remember

__all__ = [
    "SALE_VERBS",
    "has_both",
    "log_once",
    "log_refused",
    "run_logged",
    "run_sales_by_status",
    "valid_although_refunded",
]

SALE_VERBS = ("issue", "activate", "take_back")

SWEPT: dict[str, Callable[..., list[VoucherSale]]] = {"activate": activate, "take_back": take_back}
"""The verbs that are made up for. What is issued and not there yet, ``settle`` brings forward itself."""

CURSOR = "sale_status_sweep"

QUIET_SECONDS = 24 * 3600
"""How often the same trouble is logged, and a voucher that cannot be taken back is tried again."""

STAYS = ("voucher_spent", "voucher_in_use", "voucher_topped_up")
"""Codes of errors after which a voucher of a returned order stays valid."""


def run_logged(verb: str, order: Any, call: Callable[[], object]) -> None:
    """Run a verb at the save of its order. An error about a sale, or of the shop's code that names what is sold, is
    logged: raised, it would prevent every later save. Errors of the database pass through, since they break it."""
    try:
        call()
    except django.db.Error:
        raise
    except VoucherGatewayError as error:
        log_refused(verb, order, error, str(error))
    except Exception as error:
        PaymentEvents.status_verb_failed.log(
            verb=verb, order_number=known_number(order), exception=type(error).__name__
        )


def has_both(verb: str, order: Any, run: Callable[[Any], object]) -> bool:
    """Return whether a refund would leave the customer the money and the vouchers that it paid for, and log it: those
    that the order sold are valid, or about to be, and vouchers may have paid for them.

    Where they are taken back by the same transaction, ``run`` is called for the order after its commit.
    """
    number = known_number(order)
    if not (valid := valid_although_refunded(order)):
        return False
    if all(sale.target == "taken_back" for sale in valid):
        if in_transaction():
            transaction.on_commit(lambda: _run_if_committed(verb, number, run), using=database(), robust=True)
            return True
        log_once(number, verb, "the gift vouchers that it sold are being taken back, it follows them")
        return True
    log_once(number, verb, "the gift vouchers that it sold are still valid, take them back first")
    return True


def valid_although_refunded(order: Any) -> list[VoucherSale]:
    """Return the vouchers that the order sold and that are valid, or about to be; none where no voucher pays for a
    voucher: what paid for them is not refunded by us then. Nor of a single payment, which the shop has chosen."""
    if not gateway_settings().VOUCHERS_PAY_FOR_VOUCHERS or isinstance(order, VoucherPayment):
        return []
    sold = [sale for sale in sales_of(order) if sale.origin == "sold" and sale.status not in ENDED_SALES]
    return [sale for sale in sold if sale.status == "active" or sale.target == "active"]


def _run_if_committed(verb: str, number: str, run: Callable[[Any], object]) -> None:
    """Run the verb for the order if its status, as it was committed, asks for it."""
    order, statuses = find_order(number), gateway_settings().ON_STATUS
    if order is not None and has_status(order, statuses.get(verb, [])):  # type: ignore[call-overload]
        run(order)


def run_sales_by_status(limit: int, stop: Callable[[], bool]) -> int:
    """Look at the orders of up to ``limit`` sales of the last ``CONFIRMED_DAYS`` that have not ended, and run the verbs
    that their status asks for and that may change something. Return how many were run.

    Where ``ON_STATUS`` names none of these verbs nothing is read. Errors are logged, each once a day.
    """
    if not any(gateway_settings().ON_STATUS.get(verb) for verb in SWEPT):  # type: ignore[call-overload]
        return 0
    sales: dict[str, list[VoucherSale]] = {}
    for sale in next_rows(CURSOR, _sales_after, limit):
        sales.setdefault(sale.order_number, []).append(sale)
    count = 0
    for number, order in readable_orders(list(sales))[0].items():
        if stop():
            break
        count += sum(_run_if_needed(verb, order, sales[number]) for verb in SWEPT)
    return count


def _run_if_needed(verb: str, order: Any, sales: list[VoucherSale]) -> int:
    number = sales[0].order_number
    try:
        if not any(may_change(verb, sale.status, sale.target) and not _stays(verb, sale) for sale in sales):
            return 0
        statuses: Any = gateway_settings().ON_STATUS
        if not has_status(order, statuses.get(verb, [])):
            return 0
        SWEPT[verb](order)
    except VoucherGatewayError as error:
        if error.code in STAYS:
            _remember_what_stays(verb, number)
        log_once(number, verb, error.code)
    except Exception as error:  # of the shop's code
        log_once(number, verb, type(error).__name__)
    else:
        return 1
    return 0


def _stays(verb: str, sale: VoucherSale) -> bool:
    """Return whether the voucher could not be taken back within the last day: each attempt reads its bookings."""
    return verb == "take_back" and recall(f"sale-stays.{sale.pk}") is not None


def _remember_what_stays(verb: str, number: str) -> None:
    for sale in VoucherSale.current.of_order(number):
        if may_change(verb, sale.status, sale.target):
            remember(f"sale-stays.{sale.pk}", "1", QUIET_SECONDS)


def _sales_after(cursor: str) -> QuerySet[Any]:
    since = timezone.now() - timedelta(days=gateway_settings().CONFIRMED_DAYS)
    recent = VoucherSale.current.filter(updated_at__gte=since, origin="sold").exclude(status__in=ENDED_SALES)
    return behind(recent, cursor, since).order_by("updated_at", "pk")


def log_refused(verb: str, order: Any, error: VoucherGatewayError, problem: str) -> None:
    """Log that a verb at the save of its order was refused."""
    PaymentEvents.status_verb_refused.log(
        verb=verb, order_number=number_for_log(order), error_code=error.code, problem=problem
    )


def log_once(number: str, verb: str, reason: str) -> None:
    """Log trouble once a day: the next sweep meets it again. Where the cache fails, each process logs it."""
    digest = hashlib.sha256(f"{number} {verb} {reason}".encode()).hexdigest()
    if is_first(f"by-status.{digest[:32]}", QUIET_SECONDS):
        PaymentEvents.status_not_followed.log(verb=verb, order_number=number, problem=reason)
