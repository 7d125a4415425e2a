"""The shop's own signals and status changes, turned into the gateway's verbs.

With ``EVENTS`` or ``ON_STATUS`` set, a shop writes no payment code: it sends the signals it has, or changes the
status field it has, and saves.
"""

import logging
from collections.abc import Callable
from contextvars import ContextVar
from typing import Any

from django.apps import apps
from django.core.exceptions import ImproperlyConfigured
from django.core.signals import setting_changed
from django.db import router, transaction
from django.db.models import Model
from django.db.models.signals import post_save
from django.dispatch import Signal
from django.utils.module_loading import import_string

from voucher_payment_gateway import gateway
from voucher_payment_gateway.conf import NAME, Verb, gateway_settings
from voucher_payment_gateway.exceptions import (
    ContractError,
    CredentialsError,
    OperationInProgressError,
    OutcomeUnknownError,
    PaymentStateError,
    UnavailableError,
    WrongStateError,
)
from voucher_payment_gateway.models import VoucherOperation
from voucher_payment_gateway.orders import find_order, order_number
from voucher_payment_gateway.signals import payment_captured, payment_failed, payment_refunded

__all__ = ["connect"]

logger = logging.getLogger("voucher_payment_gateway")

Act = Callable[[Any, Any], None]
DECIDED = {"captured": payment_captured, "refunded": payment_refunded, "failed": payment_failed}
"""What may end the operation that a refund by status had to wait for."""

_is_refunding = ContextVar("voucher_payment_gateway.is_refunding", default=False)
"""Whether a status is being acted on by a refund just now: what that books is no news."""
_connected: list[tuple[Signal, str]] = []


def connect() -> None:
    """Listen to what the settings name, and to nothing else any more.

    A setting that cannot be followed is left out here: the system checks report it.
    """
    _disconnect()
    try:
        settings = gateway_settings()
    except ImproperlyConfigured:
        return
    for verb, paths in settings.events.items():
        for path in paths:
            _listen(path, verb)
    if settings.ON_STATUS:
        _listen_to_status(settings.ORDER_MODEL)
        for name, signal in DECIDED.items():
            _connect(signal, _decided, uid=f"{NAME}.{name}")


def _disconnect() -> None:
    while _connected:
        signal, uid = _connected.pop()
        signal.disconnect(dispatch_uid=uid)


def _listen(path: str, verb: Verb) -> None:
    try:
        signal = import_string(path)
    except ImportError:
        return
    if isinstance(signal, Signal):
        _connect(signal, _receiver(path, ACTS[verb]), uid=f"{NAME}.{verb}.{path}")


def _listen_to_status(order_model: str) -> None:
    try:
        model = apps.get_model(order_model)
    except LookupError:
        return
    _connect(post_save, _saved(model), uid=f"{NAME}.on_status")


def _connect(signal: Signal, receiver: Callable[..., None], *, uid: str) -> None:
    signal.connect(receiver, dispatch_uid=uid, weak=False)
    _connected.append((signal, uid))


def _receiver(path: str, act: Act) -> Callable[..., None]:
    def receive(sender: object, **arguments: Any) -> None:
        if "order" not in arguments:
            raise PaymentStateError(
                f'the signal {path} was sent without "order": send it as {path.rsplit(".", 1)[-1]}.send(sender, '
                "order=order). Nothing was sent to the Voucher Cloud.",
                code="event_without_order",
            )
        act(arguments["order"], arguments.get("amount"))

    return receive


def _saved(model: type[Model]) -> Callable[..., None]:
    """Return a receiver for orders of ``model``, proxies and subclasses included."""

    def receive(sender: object, instance: Any, **saved: Any) -> None:
        if isinstance(instance, model):
            _status_saved(instance, **saved)

    return receive


def _status_saved(instance: Any, *, raw: bool = False, update_fields: Any = None, **_: object) -> None:
    """Do what the status asks for. It is asked at every save, since the verbs leave alone what is done."""
    statuses = gateway_settings().ON_STATUS
    field = str(statuses["field"])
    if raw or (update_fields is not None and field not in update_fields):
        return
    for verb, act in ACTS.items():
        if _has_status(instance, statuses.get(verb, [])):
            _act_on_status(verb, act, instance)


def _decided(sender: object, order_number: str, **_: object) -> None:
    """Refund an order that was returned while a charge, or an earlier refund, was still under way."""
    statuses = gateway_settings().ON_STATUS
    if _is_refunding.get() or "refund" not in statuses:
        return
    order = find_order(order_number)
    if order is not None and _has_status(order, statuses["refund"]):
        _act_on_status("refund", _refund, order)


def _has_status(order: Any, wanted: Any) -> bool:
    status = getattr(order, str(gateway_settings().ON_STATUS["field"]))
    return str(getattr(status, "value", status)) in wanted


def _act_on_status(verb: Verb, act: Act, order: Any) -> None:
    """Act; what our own records forbid is logged, since an error here would stop every later save."""
    if verb in ("refund", "cancel") and _was_refused(order):
        logger.error("gift vouchers: a refund was refused before, or waits for a person; %s it by hand", verb)
        return
    token = _is_refunding.set(verb == "refund")
    try:
        act(order, None)
    except PaymentStateError as error:
        logger.error("gift vouchers: %s by a status was not possible: %s", verb, error)
        if isinstance(error, OperationInProgressError) and verb == "refund":
            _look_again_after_the_commit(order_number(order))
    finally:
        _is_refunding.reset(token)


def _look_again_after_the_commit(number: str) -> None:
    """What had to be waited for may be decided before anybody else sees the new status."""

    def look_again() -> None:
        _decided(None, number)

    transaction.on_commit(look_again, using=router.db_for_write(VoucherOperation), robust=True)


def _was_refused(order: Any) -> bool:
    """Whether a refund of this order was refused or is left to a person: a mere save must not ask again and again."""
    refused = VoucherOperation.current.filter(kind="refund", state__in=("refused", "manual"))
    return refused.filter(order_number=order_number(order)).exists()


def _authorize(order: Any, amount: Any) -> None:
    gateway.authorize_selected(order)
    if gateway_settings().CAPTURE == "immediate":
        _capture(order, None)


def _capture(order: Any, amount: Any) -> None:
    _later_if_unanswered(lambda: _if_any_is_left("capture", lambda: gateway.capture(order)))


def _refund(order: Any, amount: Any) -> None:
    _later_if_unanswered(lambda: _if_any_is_left("refund", lambda: gateway.refund(order, amount)))


def _cancel(order: Any, amount: Any) -> None:
    _later_if_unanswered(lambda: gateway.cancel(order))


def _if_any_is_left(verb: str, act: Callable[[], object]) -> None:
    """An order whose vouchers were all taken off again, or failed, is paid otherwise: it must still ship."""
    try:
        act()
    except WrongStateError as error:
        logger.warning("gift vouchers: no %s: %s", verb, error)


def _later_if_unanswered(act: Callable[[], object]) -> None:
    """Let the shop go on where the operation is written down and ``settle`` will finish it."""
    try:
        act()
    except (UnavailableError, CredentialsError, ContractError, OutcomeUnknownError) as error:
        logger.warning("gift vouchers: written down and left to settle: %s", error.code)


ACTS: dict[Verb, Act] = {"authorize": _authorize, "capture": _capture, "refund": _refund, "cancel": _cancel}


def _reconnect(*, setting: str, **_: object) -> None:
    if setting == NAME:
        connect()


setting_changed.connect(_reconnect, dispatch_uid="voucher_payment_gateway.events")
