"""Listen to the shop's own signals (``EVENTS``) and status changes (``ON_STATUS``), and call the gateway's verbs.

A shop that sets one of them writes no payment code: it sends its signals, or changes its status field and saves.

Django starts with this module, so it loads neither the gateway nor the settings: it reads the paths of the signals as
they are written, and each receiver imports ``event_actions`` when it is called.
"""

from collections.abc import Callable, Iterator
from typing import Any

from django.apps import apps
from django.core.signals import setting_changed
from django.db.models import Model
from django.db.models.signals import post_save
from django.dispatch import Signal
from django.utils.module_loading import import_string

from voucher_payment_gateway.conf import NAME, Verb, gateway_settings, is_configured, written_value
from voucher_payment_gateway.foreign_signals import is_foreign
from voucher_payment_gateway.gateway.recovery import callbacks
from voucher_payment_gateway.rules.verbs import DRIVEN_VERBS
from voucher_payment_gateway.signals import payment_captured, payment_failed, payment_refunded

__all__ = ["connect"]

OUTCOME_SIGNALS = {"captured": payment_captured, "refunded": payment_refunded, "failed": payment_failed}
"""Sent when an operation ends that a refund by status may have waited for."""

_connected: list[tuple[Signal, str]] = []


def connect() -> None:
    """Connect to the signals that the settings name; disconnect from those of earlier settings.

    An invalid setting is skipped: the system checks report it. While there is one, the receivers do nothing.
    """
    _disconnect()
    for verb, path in _written_events():
        _connect_event(path, verb)
    callbacks.connect(callbacks.POSTPONED, _run_postponed)
    if written_value("ON_STATUS"):
        _connect_status(written_value("ORDER_MODEL"))
        callbacks.connect(callbacks.BY_STATUS, _run_by_status)
        for name, signal in OUTCOME_SIGNALS.items():
            _connect(signal, _on_outcome, uid=f"{NAME}.{name}")


def _disconnect() -> None:
    callbacks.connect(callbacks.BY_STATUS, None)
    callbacks.connect(callbacks.POSTPONED, None)
    while _connected:
        signal, uid = _connected.pop()
        signal.disconnect(dispatch_uid=uid)


def _written_events() -> Iterator[tuple[Verb, str]]:
    events = written_value("EVENTS")
    for verb in DRIVEN_VERBS if isinstance(events, dict) else ():
        paths = events.get(verb, ())
        for path in [paths] if isinstance(paths, str) else paths if isinstance(paths, list) else ():
            if isinstance(path, str):
                yield verb, path


def _connect_event(path: str, verb: Verb) -> None:
    try:
        signal = import_string(path)
    except Exception:  # whatever its module raises
        return
    if isinstance(signal, Signal) and not is_foreign(path, signal):
        _connect(signal, _event_receiver(path, verb), uid=f"{NAME}.{verb}.{path}")


def _connect_status(order_model: Any) -> None:
    try:
        model = apps.get_model(order_model)
    except (AttributeError, LookupError, TypeError, ValueError):  # it may be anything but a label
        return
    _connect(post_save, _save_receiver(model), uid=f"{NAME}.on_status")


def _connect(signal: Signal, receiver: Callable[..., None], *, uid: str) -> None:
    signal.connect(receiver, dispatch_uid=uid, weak=False)
    _connected.append((signal, uid))


def _event_receiver(path: str, verb: Verb) -> Callable[..., None]:
    def receive(sender: object, **arguments: Any) -> None:
        if is_configured():
            from voucher_payment_gateway.event_actions import run_event

            run_event(path, verb, arguments)

    return receive


def _save_receiver(model: type[Model]) -> Callable[..., None]:
    """Return a receiver of ``post_save`` for ``model``, its proxies and subclasses."""

    def receive(sender: object, instance: Any, **saved: Any) -> None:
        if isinstance(instance, model) and is_configured():
            _on_save(instance, **saved)

    return receive


def _on_save(instance: Any, *, raw: bool = False, update_fields: Any = None, **_: object) -> None:
    field = str(gateway_settings().ON_STATUS["field"])
    if raw or (update_fields is not None and field not in update_fields):
        return
    from voucher_payment_gateway.event_actions import run_saved

    run_saved(instance)


def _on_outcome(sender: object, order_number: str, **_: object) -> None:
    from voucher_payment_gateway.event_actions import refund_after_outcome

    refund_after_outcome(order_number)


def _run_by_status(verb: Verb, order: Any) -> None:
    from voucher_payment_gateway.event_actions import run_by_status

    run_by_status(verb, order)


def _run_postponed(verb: Verb, order: Any, **by: Any) -> None:
    from voucher_payment_gateway.event_actions import run_postponed

    run_postponed(verb, order, **by)


def _reconnect(*, setting: str, **_: object) -> None:
    if setting == NAME:
        connect()


setting_changed.connect(_reconnect, dispatch_uid="voucher_payment_gateway.events")
