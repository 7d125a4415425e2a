"""What the signals and statuses of a shop make the gateway do; ``events`` imports this module when the first of them
arrives.
"""

from collections.abc import Callable
from contextvars import ContextVar
from datetime import datetime
from functools import partial
from typing import Any

from django.db import router, transaction
from django.db.models import Q
from django.utils import timezone

from voucher_payment_gateway import gateway
from voucher_payment_gateway.conf import Verb, gateway_settings
from voucher_payment_gateway.exceptions import (
    ContractError,
    CredentialsError,
    OperationInProgressError,
    OutcomeUnknownError,
    PaymentStateError,
    RefusedError,
    UnavailableError,
    VoucherGatewayError,
    WrongStateError,
)
from voucher_payment_gateway.gateway.records.order_numbers import number_for_log, number_of
from voucher_payment_gateway.gateway.records.order_rows import has_payments
from voucher_payment_gateway.gateway.recovery import by_status, postponed
from voucher_payment_gateway.gateway.recovery.sales_by_status import (
    SALE_VERBS,
    has_both,
    log_refused,
    run_logged,
)
from voucher_payment_gateway.gateway.verbs.unpaid import report_unpaid
from voucher_payment_gateway.log_events import PaymentEvents
from voucher_payment_gateway.models import VoucherOperation, VoucherPayment
from voucher_payment_gateway.order_lookup import find_order
from voucher_payment_gateway.orders import has_status, known_number
from voucher_payment_gateway.rules.states import HELD_BEFORE
from voucher_payment_gateway.rules.verbs import DRIVEN_VERBS

__all__ = ["refund_after_outcome", "run_by_status", "run_event", "run_postponed", "run_saved"]

Action = Callable[..., None]
"""Runs a verb for an order, with an amount or None; by keyword with the key, actor and reason of a signal."""

RESERVATION_IDS = "voucher_reservation_ids"
"""The column of ``VoucherOrderMixin``, if the order has it and it was loaded."""

_is_refunding = ContextVar("voucher_payment_gateway.is_refunding", default=False)
"""Whether a refund by status is running: the outcomes that it announces itself start no second one."""


def run_event(path: str, verb: Verb, arguments: dict[str, Any]) -> None:
    """Run the verb that a signal drives, with what it was sent with. Raises PaymentStateError
    (``event_without_order``) where no order was sent, and what the verb raises."""
    if "order" not in arguments:
        raise PaymentStateError(
            f'the signal {path} was sent without "order": send it as {path.rsplit(".", 1)[-1]}.send(sender, '
            "order=order). Nothing was sent to the Voucher Cloud.",
            code="event_without_order",
        )
    if arguments["order"] is not None:
        ACTIONS[verb](arguments["order"], arguments.get("amount"), **_by(arguments))


def _by(arguments: dict[str, Any]) -> dict[str, Any]:
    """Return the key, actor and reason of a signal that has them."""
    named = {name: arguments.get(name) for name in ("key", "actor", "reason")}
    return {name: value for name, value in named.items() if value is not None}


def run_saved(order: Any) -> None:
    """Run the verbs of the order's status, at every save: without an amount they are idempotent."""
    statuses = gateway_settings().ON_STATUS
    has_vouchers = None
    for verb in DRIVEN_VERBS:
        if verb not in statuses or not has_status(order, statuses[verb]):
            continue
        if verb not in SALE_VERBS:
            has_vouchers = _may_have_vouchers(order) if has_vouchers is None else has_vouchers
        if verb in SALE_VERBS or has_vouchers:
            run_by_status(verb, order)


def _may_have_vouchers(order: Any) -> bool:
    """Return whether a verb can have an effect on payments of the order: no statement where the order names a
    reservation, or has no number yet, else one.

    What the order remembers is believed where it says that there are vouchers: the verb reads them itself. It is not
    believed where it says that there are none. Its column has no id of a voucher that is selected only, and the
    capture or cancellation of an order would be missed that was loaded before another request reserved a voucher, or
    is stored after its number was paid. So the payments are asked, in the transaction of the save.
    """
    if order.__dict__.get(RESERVATION_IDS):
        return True
    try:
        number = known_number(order)
    except PaymentStateError:  # the verb says what is wrong with it
        return True
    return bool(number) and has_payments(number)


def refund_after_outcome(order_number: str) -> None:
    """Refund an order that was returned while a charge, or an earlier refund, was in flight."""
    statuses = gateway_settings().ON_STATUS
    if _is_refunding.get() or "refund" not in statuses:
        return
    order = find_order(order_number)
    if order is not None and has_status(order, statuses["refund"]):
        run_by_status("refund", order)


def run_postponed(verb: Verb, order: Any, **by: Any) -> None:
    """Run a verb that has waited until sold vouchers were taken back."""
    ACTIONS[verb](order, None, **by)


def run_by_status(verb: Verb, order: Any) -> None:
    """Run the verb that a status asks for. PaymentStateError is logged: raised, it would prevent every later save of
    the order. So is every error about sales, and about vouchers that were confirmed by an earlier save."""
    if verb in SALE_VERBS:
        run_logged(verb, order, lambda: ACTIONS[verb](order, None))
        return
    run_again = partial(run_by_status, verb)
    if verb in ("refund", "cancel") and (
        by_status.was_refused(verb, order) or has_both(verb, order, run_again)
    ):
        return
    token, began = _is_refunding.set(verb == "refund"), timezone.now()
    try:
        ACTIONS[verb](order, None)
    except PaymentStateError as error:
        log_refused(verb, order, error, str(error))
        if error.code == "not_paid":
            _capture_what_is_left(order)
        if isinstance(error, OperationInProgressError) and verb == "refund":
            _retry_refund_after_commit(known_number(order))
    except VoucherGatewayError as error:
        is_at_checkout = verb == "authorize" and not _was_confirmed_before(order, began)
        if is_at_checkout or verb in ("capture", "refund", "cancel"):
            raise
        log_refused(verb, order, error, error.code)
    finally:
        _is_refunding.reset(token)


def _capture_what_is_left(order: Any) -> None:
    """The status cannot be refused: report what cannot be charged any more, and charge the other payments."""
    report_unpaid(order)
    for payment in VoucherPayment.current.filter(order_number=known_number(order)).exclude(status="failed"):
        try:
            _leave_to_settle(payment, partial(gateway.capture, payment))
        except (PaymentStateError, RefusedError) as error:
            log_refused("capture", payment, error, str(error))


def _was_confirmed_before(order: Any, instant: datetime) -> bool:
    """Return whether all vouchers of the order were confirmed before: then the customer has left the checkout, and an
    error would only prevent an unrelated save. What is not covered any more is due, and ``payment_failed`` was sent."""
    payments = VoucherPayment.current.filter(order_number=known_number(order))
    at_checkout = Q(confirmed_at=None, status__in=("selected", *HELD_BEFORE)) | Q(updated_at__gte=instant)
    before = Q(confirmed_at__lt=instant)
    return payments.filter(before).exists() and not payments.filter(at_checkout).exclude(before).exists()


def _retry_refund_after_commit(number: str) -> None:
    """The operation in flight may end before this transaction commits, while its signal still sees the old status."""

    alias = router.db_for_write(VoucherOperation)
    transaction.on_commit(lambda: refund_after_outcome(number), using=alias, robust=True)


def _authorize(order: Any, amount: Any, **by: Any) -> None:
    gateway.authorize_selected(order, **by)
    if gateway_settings().CAPTURE == "immediate":
        _capture(order, None, **by)


def _capture(order: Any, amount: Any, **by: Any) -> None:
    _leave_to_settle(order, lambda: _log_wrong_state("capture", order, lambda: _charge(order, amount, **by)))


def _charge(order: Any, amount: Any, **by: Any) -> None:
    """Capture the order. Raises WrongStateError (``not_paid``) where the Voucher Cloud refuses: it must not ship."""
    try:
        gateway.capture(order, amount, **by)
    except RefusedError as error:
        raise WrongStateError(f"the order is not paid: {error}", code="not_paid") from error


def _refund(order: Any, amount: Any, **by: Any) -> None:
    if postponed.waits_for_take_back("refund", order, amount, by.get("key", "")):
        return
    _leave_to_settle(
        order, lambda: _log_wrong_state("refund", order, lambda: gateway.refund(order, amount, **by))
    )


def _cancel(order: Any, amount: Any, **by: Any) -> None:
    if postponed.waits_for_take_back("cancel", order, None, by.get("key", "")):
        return
    _leave_to_settle(order, lambda: gateway.cancel(order, **by))


def _log_wrong_state(verb: str, order: Any, call: Callable[[], object]) -> None:
    """Log WrongStateError: an order whose vouchers were all removed, or failed before it was confirmed, is paid by
    other means and must ship. One that was promised to be paid by voucher and is not must not: the error is raised."""
    try:
        call()
    except WrongStateError as error:
        if error.code in ("not_paid", "order_currency_changed"):
            raise
        PaymentEvents.event_without_effect.log(
            verb=verb, order_number=number_for_log(order), error_code=error.code, problem=str(error)
        )


def _leave_to_settle(order: Any, call: Callable[[], object]) -> None:
    """Log errors after which the operation is stored and ``settle`` finishes it; the shop continues."""
    try:
        call()
    except (UnavailableError, CredentialsError, ContractError, OutcomeUnknownError) as error:
        PaymentEvents.left_to_settle.log(order_number=number_of(order), error_code=error.code)


def _sell(verb: Callable[..., object], order: Any, amount: Any, **by: Any) -> None:
    _leave_to_settle(order, lambda: verb(order, **by))


ACTIONS: dict[Verb, Action] = {
    "authorize": _authorize,
    "capture": _capture,
    "take_back": partial(_sell, gateway.take_back),
    "refund": _refund,
    "cancel": _cancel,
    "issue": partial(_sell, gateway.issue),
    "activate": partial(_sell, gateway.activate),
}
