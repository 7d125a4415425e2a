"""Oscar's payment events, each created once: however often a button is pressed, and whoever presses it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from typing import Any

from django.db import router, transaction
from django.db.models import F
from django.utils import timezone
from oscar.apps.payment.exceptions import PaymentError

from voucher_payment_gateway.hosts.oscar.conf import oscar_settings
from voucher_payment_gateway.hosts.oscar.event_types import payment_event_type
from voucher_payment_gateway.hosts.oscar.keys import next_key
from voucher_payment_gateway.models import VoucherIdempotencyKey

__all__ = ["PlannedEvent", "create_once", "note_charge", "plan", "repeated"]

MAX_REFERENCE_LENGTH = 128


@dataclass(frozen=True)
class PlannedEvent:
    """``key`` is that of the gateway's call. ``event`` is there where it was created before."""

    order: Any
    event_type: Any
    amount: Decimal
    key: str
    count: int
    """How many events of its type and amount the order had when it was planned."""
    reference: str = ""
    event: Any = None


def plan(
    order: Any,
    event_type: Any,
    amount: Decimal,
    lines: Sequence[Any] | None,
    quantities: Sequence[int] | None,
    key: str,
) -> PlannedEvent:
    """Return the event that is to be created, with a key that two presses of one button share.

    Raises PaymentError for a second click: an equal event was created just now, and no ``key`` tells them apart. And
    where the ``key`` was used for another amount.
    """
    events = order.payment_events.filter(event_type=event_type)
    equal = events.filter(amount=amount)
    if key:
        reference = f"key {key}"[:MAX_REFERENCE_LENGTH]
        known = events.filter(reference=reference).first()
        if known is not None and known.amount != amount:
            raise PaymentError(
                "this form was sent before, with another amount: load the page again. Nothing moved."
            )
        return PlannedEvent(order, event_type, amount, reference, equal.count(), reference, known)
    _refuse_repeated(equal, lines, quantities)
    what = f"{event_type.code} {amount} {equal.count() + 1}"
    return PlannedEvent(order, event_type, amount, next_key(order, what), equal.count())


def repeated(planned: PlannedEvent, call: VoucherIdempotencyKey) -> Decimal:
    """Return the amount of an earlier attempt of the event, in which a process ended before the event was created.

    Raises PaymentError for the key of a form where that was another amount: nothing says whether the rest was moved.
    """
    amount = planned.amount if call.amount is None else call.amount
    if planned.reference and amount != planned.amount:
        raise PaymentError(
            f"this form was sent before, for {amount} of the gift vouchers: look at what happened to the order, and "
            "enter what is missing as a new event. Nothing moved now."
        )
    return amount


def create_once(planned: PlannedEvent, create: Callable[[], Any]) -> Any:
    """Create the event, unless another click has created it meanwhile; then return that one."""
    orders = type(planned.order)._default_manager.filter(pk=planned.order.pk)
    with transaction.atomic(using=router.db_for_write(orders.model)):
        orders.update(number=F("number"))  # locks the row on every database
        if (found := _created_meanwhile(planned)) is not None:
            return found
        event = create()
        if planned.reference:
            event.reference = planned.reference
            event.save(update_fields=["reference"])
        return event


def _created_meanwhile(planned: PlannedEvent) -> Any:
    events = planned.order.payment_events.filter(event_type=planned.event_type, amount=planned.amount)
    if planned.reference:
        return events.filter(reference=planned.reference).first()
    return events.order_by("pk")[planned.count :].first()


def note_charge(
    order: Any,
    amount: Decimal,
    key: str,
    lines: Sequence[Any],
    quantities: Sequence[int],
    shipping_event: Any,
) -> None:
    """Create the payment event of what a parcel was charged."""
    event = order.payment_events.create(
        event_type=payment_event_type(oscar_settings().CAPTURE_EVENTS[0]),
        amount=amount,
        reference=key[:MAX_REFERENCE_LENGTH],
        shipping_event=shipping_event,
    )
    for line, quantity in zip(lines, quantities, strict=True):
        event.line_quantities.create(line=line, quantity=quantity)


def _refuse_repeated(equal: Any, lines: Sequence[Any] | None, quantities: Sequence[int] | None) -> None:
    seconds = oscar_settings().REPEAT_SECONDS
    units = {line.pk: quantity for line, quantity in zip(lines or (), quantities or (), strict=True)}
    since = timezone.now() - timedelta(seconds=seconds)
    for event in equal.filter(date_created__gt=since):
        if {each.line_id: each.quantity for each in event.line_quantities.all()} == units:
            raise PaymentError(
                f"the same was done less than {seconds} seconds ago. Nothing moved; if you mean it, wait and repeat it."
            )
