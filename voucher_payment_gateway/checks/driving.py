"""Checks of what drives the payments: the shop's signals (``EVENTS``) and its orders' statuses (``ON_STATUS``)."""

from collections.abc import Iterator
from typing import Any

from django.dispatch import Signal

from voucher_payment_gateway.checks.catalogue import Messages, report
from voucher_payment_gateway.checks.dotted import look_up
from voucher_payment_gateway.checks.order_fields import field_of, has_attribute, names_of, order_model
from voucher_payment_gateway.conf import GatewaySettings
from voucher_payment_gateway.foreign_signals import is_foreign
from voucher_payment_gateway.settings_wording import QUOTE, did_you_mean

__all__ = ["CHECKS", "driven_verbs"]

PAYS_AND_REFUNDS = "take the money and give it back"
SELLS_AND_ENDS = "sell the gift vouchers and take them back"
CONTRADICTIONS = {
    **{
        (verb, other): PAYS_AND_REFUNDS for verb in ("authorize", "capture") for other in ("refund", "cancel")
    },
    **{(verb, "take_back"): SELLS_AND_ENDS for verb in ("issue", "activate")},
    ("capture", "take_back"): "take the money and take back the gift vouchers that it pays for",
}
"""Verbs that the same status, or the same signal, must not drive; and what that would do."""


def _events(given: GatewaySettings) -> Messages:
    for verb, paths in given.events.items():
        for path in paths:
            found = look_up(path)
            if not isinstance(found.value, Signal):
                yield report("E010", "no_signal", verb=verb, path=path, problem=found.what)
            elif is_foreign(path, found.value):
                yield report("E010", "foreign", verb=verb, path=path)


def _on_status(given: GatewaySettings) -> Messages:
    model, name = order_model(given), given.ON_STATUS.get("field")
    if model is None or not name:
        return
    if not has_attribute(model, str(name)):
        hint = did_you_mean(str(name), names_of(model), QUOTE)
        yield report("E011", "unknown", model=given.ORDER_MODEL, name=name, hint=hint)
        return
    choices = _choices(field_of(model, str(name)))
    for verb, status in _driving_statuses(given):
        if choices and status not in choices:
            wrong = {"model": given.ORDER_MODEL, "name": name, "status": status}
            yield report("E011", "no_choice", verb=verb, hint=did_you_mean(status, choices, QUOTE), **wrong)


def _choices(field: Any) -> list[str]:
    """Return the values of a field's choices as ``ON_STATUS`` names them, or none where any value may be stored."""
    return [str(getattr(value, "value", value)) for value, _ in getattr(field, "flatchoices", None) or ()]


def _one_meaning(given: GatewaySettings) -> Messages:
    """What takes the money and gives it back at once does both."""
    signals = [
        (verb, path, id(look_up(path).value)) for verb, paths in given.events.items() for path in paths
    ]
    statuses = [(verb, status, status) for verb, status in _driving_statuses(given)]
    for key, driven in (("EVENTS", signals), ("ON_STATUS", statuses)):
        for taking, name, same in driven:
            for giving, _, other in driven:
                contradiction = CONTRADICTIONS.get((taking, giving))
                if contradiction and same == other and not _is_nothing(key, name):
                    named = {"key": key, "name": name, "taking": taking, "giving": giving}
                    yield report("E027", "both", contradiction=contradiction, **named)


def _is_nothing(key: str, name: str) -> bool:
    """Return whether a path names nothing: it is reported as that."""
    return key == "EVENTS" and look_up(name).value is None


def driven_verbs(given: GatewaySettings) -> set[str]:
    """Return the verbs that a signal or a status drives."""
    driven: set[str] = {verb for verb, paths in given.events.items() if paths}
    return driven | {verb for verb, _ in _driving_statuses(given)}


def _all_verbs(given: GatewaySettings) -> Messages:
    driven = driven_verbs(given)
    if not driven:
        yield report("W034", "nothing")
        return
    keys = " and ".join(key for key in ("EVENTS", "ON_STATUS") if getattr(given, key))
    if "authorize" not in driven:
        yield report("W035", "no_authorize", keys=keys)
    if "capture" not in driven and not ("authorize" in driven and given.CAPTURE == "immediate"):
        yield report("W035", "no_capture", keys=keys)
    if "cancel" not in driven:
        yield report("W035", "no_cancel", keys=keys)


def _driving_statuses(given: GatewaySettings) -> Iterator[tuple[Any, str]]:
    for verb, statuses in given.ON_STATUS.items():
        if verb != "field":
            yield from ((verb, str(status)) for status in statuses)


CHECKS = (_events, _on_status, _one_meaning, _all_verbs)
