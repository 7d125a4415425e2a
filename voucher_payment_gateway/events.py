"""Call the gateway's verbs for the shop's own signals (``EVENTS``) and status changes (``ON_STATUS``).

A shop that sets one of them writes no payment code: it sends its signals, or changes its status field and saves.
"""

from collections.abc import Callable
from contextvars import ContextVar
from datetime import datetime
from functools import partial
from typing import Any

from django.apps import apps
from django.core.exceptions import ImproperlyConfigured
from django.core.signals import setting_changed
from django.db import router, transaction
from django.db.models import Model, Q
from django.db.models.signals import post_save
from django.dispatch import Signal
from django.utils import timezone
from django.utils.module_loading import import_string

from voucher_payment_gateway import gateway
from voucher_payment_gateway.conf import NAME, Verb, gateway_settings
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
from voucher_payment_gateway.foreign_signals import is_foreign
from voucher_payment_gateway.gateway.records.order_numbers import number_for_log, number_of
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
from voucher_payment_gateway.signals import payment_captured, payment_failed, payment_refunded

__all__ = ["connect"]

Action = Callable[..., None]
"""Runs a verb for an order, with an amount or None; by keyword with the key, actor and reason of a signal."""
OUTCOME_SIGNALS = {"captured": payment_captured, "refunded": payment_refunded, "failed": payment_failed}
"""Sent when an operation ends that a refund by status may have waited for."""

_is_refunding = ContextVar("voucher_payment_gateway.is_refunding", default=False)
"""Whether a refund by status is running: the outcomes that it announces itself start no second one."""
_connected: list[tuple[Signal, str]] = []


def connect() -> None:
    """Connect to the signals that the settings name; disconnect from those of earlier settings.

    An invalid setting is skipped: the system checks report it.
    """
    _disconnect()
    try:
        settings = gateway_settings()
    except ImproperlyConfigured:
        return
    for verb in ACTIONS:
        for path in settings.events.get(verb, ()):
            _connect_event(path, verb)
    postponed.connect(lambda verb, order, **by: ACTIONS[verb](order, None, **by))
    if settings.ON_STATUS:
        _connect_status(settings.ORDER_MODEL)
        by_status.connect(_run_again)
        for name, signal in OUTCOME_SIGNALS.items():
            _connect(signal, _on_outcome, uid=f"{NAME}.{name}")


def _disconnect() -> None:
    by_status.connect(None)
    postponed.connect(None)
    while _connected:
        signal, uid = _connected.pop()
        signal.disconnect(dispatch_uid=uid)


def _connect_event(path: str, verb: Verb) -> None:
    try:
        signal = import_string(path)
    except Exception:  # whatever its module raises
        return
    if isinstance(signal, Signal) and not is_foreign(path, signal):
        _connect(signal, _event_receiver(path, ACTIONS[verb]), uid=f"{NAME}.{verb}.{path}")


def _connect_status(order_model: str) -> None:
    try:
        model = apps.get_model(order_model)
    except LookupError:
        return
    _connect(post_save, _save_receiver(model), uid=f"{NAME}.on_status")


def _connect(signal: Signal, receiver: Callable[..., None], *, uid: str) -> None:
    signal.connect(receiver, dispatch_uid=uid, weak=False)
    _connected.append((signal, uid))


def _event_receiver(path: str, action: Action) -> Callable[..., None]:
    def receive(sender: object, **arguments: Any) -> None:
        if "order" not in arguments:
            raise PaymentStateError(
                f'the signal {path} was sent without "order": send it as {path.rsplit(".", 1)[-1]}.send(sender, '
                "order=order). Nothing was sent to the Voucher Cloud.",
                code="event_without_order",
            )
        if arguments["order"] is not None:
            action(arguments["order"], arguments.get("amount"), **_by(arguments))

    return receive


def _by(arguments: dict[str, Any]) -> dict[str, Any]:
    """Return the key, actor and reason of a signal that has them."""
    named = {name: arguments.get(name) for name in ("key", "actor", "reason")}
    return {name: value for name, value in named.items() if value is not None}


def _save_receiver(model: type[Model]) -> Callable[..., None]:
    """Return a receiver of ``post_save`` for ``model``, its proxies and subclasses."""

    def receive(sender: object, instance: Any, **saved: Any) -> None:
        if isinstance(instance, model):
            _on_save(instance, **saved)

    return receive


def _on_save(instance: Any, *, raw: bool = False, update_fields: Any = None, **_: object) -> None:
    """Run the verbs of the order's status, at every save: without an amount they are idempotent."""
    statuses = gateway_settings().ON_STATUS
    field = str(statuses["field"])
    if raw or (update_fields is not None and field not in update_fields):
        return
    for verb, action in ACTIONS.items():
        if has_status(instance, statuses.get(verb, [])):
            _run_by_status(verb, action, instance)


def _on_outcome(sender: object, order_number: str, **_: object) -> None:
    """Refund an order that was returned while a charge, or an earlier refund, was in flight."""
    statuses = gateway_settings().ON_STATUS
    if _is_refunding.get() or "refund" not in statuses:
        return
    order = find_order(order_number)
    if order is not None and has_status(order, statuses["refund"]):
        _run_by_status("refund", _refund, order)


def _run_by_status(verb: Verb, action: Action, order: Any) -> None:
    """Run the verb. PaymentStateError is logged: raised, it would prevent every later save of the order. So is every
    error about sales, and about vouchers that were confirmed by an earlier save."""
    if verb in SALE_VERBS:
        run_logged(verb, order, lambda: action(order, None))
        return
    run_again = partial(_run_by_status, verb, action)
    if verb in ("refund", "cancel") and (
        by_status.was_refused(verb, order) or has_both(verb, order, run_again)
    ):
        return
    token, began = _is_refunding.set(verb == "refund"), timezone.now()
    try:
        action(order, None)
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


def _run_again(verb: Verb, order: Any) -> None:
    """Run the verb for an order whose status was changed without a save that was noticed."""
    _run_by_status(verb, ACTIONS[verb], order)


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
    transaction.on_commit(lambda: _on_outcome(None, number), using=alias, robust=True)


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
"""In the order in which one status or signal runs them: a sold voucher is taken back before its payment is refunded."""


def _reconnect(*, setting: str, **_: object) -> None:
    if setting == NAME:
        connect()


setting_changed.connect(_reconnect, dispatch_uid="voucher_payment_gateway.events")
