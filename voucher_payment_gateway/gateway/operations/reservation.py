"""Record reservations, and renew one that lapsed, was lost, or has another amount."""

from collections.abc import Collection, Mapping
from contextlib import suppress
from decimal import Decimal
from typing import Any

from django.db import DatabaseError, transaction
from django.utils import timezone

from voucher_payment_gateway.alerts import alerting
from voucher_payment_gateway.currencies import plain, with_code
from voucher_payment_gateway.exceptions import (
    InsufficientBalanceError,
    RefusedError,
    ReservationClosedError,
    UnavailableError,
)
from voucher_payment_gateway.gateway.holds.codes import code_expiry
from voucher_payment_gateway.gateway.holds.competing import (
    any_in_flight,
    competing_payments,
    lapse_replaced,
    payments_on,
)
from voucher_payment_gateway.gateway.holds.control import raise_if_elsewhere
from voucher_payment_gateway.gateway.holds.promises import beside_confirmed
from voucher_payment_gateway.gateway.holds.refusals import available_on
from voucher_payment_gateway.gateway.holds.reserve import Hold, release, reserve_exactly
from voucher_payment_gateway.gateway.operations.transitions import insert
from voucher_payment_gateway.gateway.records.announce import announce
from voucher_payment_gateway.gateway.records.conflicts import (
    ConflictError,
    atomic_or_conflict,
    database,
    unavailable_if_locked,
)
from voucher_payment_gateway.gateway.records.idempotency import save_key
from voucher_payment_gateway.gateway.records.payments import (
    NOT_ENDED_FIELDS,
    change_payment,
    ended_fields,
    hold_ended_fields,
    hold_lost_fields,
    is_usable_now,
)
from voucher_payment_gateway.gateway.records.writes import INSERT_PAYMENT
from voucher_payment_gateway.models import VoucherOperation, VoucherPayment
from voucher_payment_gateway.order_lookup import note_reservation
from voucher_payment_gateway.rules.timing import is_usable, renewal_due_at
from voucher_payment_gateway.sealing import unseal
from voucher_payment_gateway.signals import payment_authorized, payment_failed

__all__ = ["fail_payment", "give_back", "record_authorization", "record_hold", "renew"]


def record_authorization(
    payment: VoucherPayment,
    hold: Hold,
    number: int,
    *,
    limit: Decimal | None,
    others: list[VoucherPayment],
    by: Mapping[str, Any],
    **changes: Any,
) -> None:
    """Record the amount that the customer agreed to and its hold, in the transaction of ``atomic_or_conflict`` that the
    caller has open: it raises the ConflictError.

    ``limit`` is the maximum set by the caller, None for all that the order needs; ``others`` are the payments of other
    orders with this voucher. ``by`` are the fields of the call that the operation stores: idempotency key, actor,
    reason; ``changes`` are further fields of the payment.
    """
    known = (payment.status, payment.amount_authorized) == ("authorized", hold.amount)
    agreed = {
        "amount_agreed": payment.amount_captured + hold.amount,
        "amount_limit": hold.amount if hold.is_all else limit,
        "code_kept_until": code_expiry(payment.confirmed_at),
    }
    _record(payment, hold, number, by, **agreed | changes)
    # K3: all is written, not committed
    lapse_replaced(payment, others)
    if not known:
        announce(payment_authorized, payment, hold.amount)


def record_hold(payment: VoucherPayment, hold: Hold, number: int) -> None:
    """Record ``hold`` in place of the reservation that ``payment`` had, in one transaction. Raises ConflictError.

    Its operation names the reservation that it replaces (``target_id``): it is no step of the customer's story.
    """
    with atomic_or_conflict():
        _record(payment, hold, number, {"target_id": payment.reservation_id})
        # K3: all is written, not committed
        lapse_replaced(payment, payments_on([payment.voucher_id]))


def give_back(order_number: str, holds: Collection[Hold]) -> None:
    """Release reservations that could not be recorded. Where they replaced recorded ones, record that those ended.

    Inside the caller's transaction nothing is recorded: the database has broken it.
    """
    for hold in holds:
        release(hold.reservation_id, hold.account)
        if transaction.get_autocommit(using=database()):
            with suppress(DatabaseError, ConflictError):
                _end_replaced(order_number, hold)


def _end_replaced(order_number: str, hold: Hold) -> None:
    recorded = VoucherPayment.current.filter(
        order_number=order_number, account=hold.account, status="authorized"
    )
    # a later one is another worker's, which replaced ours
    for payment in recorded.filter(voucher_id=hold.voucher_id, reserved_until__lt=hold.until):
        change_payment(payment, **hold_lost_fields())


def _record(payment: VoucherPayment, hold: Hold, number: int, by: Mapping[str, Any], **changes: Any) -> None:
    # K1: a reservation was granted, nothing of it written
    # the order's row first, as in a shop's own transaction: the same order of locks prevents deadlocks
    payment.replaced_reservation_id = payment.reservation_id
    note_reservation(payment.order_number, hold.reservation_id, replaces=payment.reservation_id)
    _save(payment, changes | NOT_ENDED_FIELDS | _held_fields(hold) | _vat_fields(payment, hold))
    # K2: the payment has it, its operation is not written
    save_key(by.get("idempotency_key"))
    reservation = VoucherOperation(
        payment=payment,
        order_number=payment.order_number,
        number=number,
        voucher_id=hold.voucher_id,
        kind="reserve",
        amount=hold.amount,
        currency=payment.currency,
        remote_id=hold.reservation_id,
        attempts=1,
        **by,
    )
    insert(reservation, "succeeded", settled_at=timezone.now())


def _held_fields(hold: Hold) -> dict[str, Any]:
    return {
        "status": "authorized",
        "voucher_id": hold.voucher_id,
        "reservation_id": hold.reservation_id,
        "reserved_until": hold.until,
        "renew_at": renewal_due_at(hold.until),
        "reservation_dead_at": hold.expired_at,
        "amount_authorized": hold.amount,
    }


def _vat_fields(payment: VoucherPayment, hold: Hold) -> dict[str, Any]:
    """Return what the reservation says of VAT. A payment that was charged keeps what it was charged with: the books
    have it."""
    return {} if payment.amount_captured else {"taxable": hold.taxable, "tax_rate": hold.tax_rate}


def renew(payment: VoucherPayment, amount: Decimal, number: int) -> None:
    """Reserve ``amount`` again with the sealed code, for a payment that is to be charged or held longer.

    Raises ReservationClosedError where the code is not stored, InsufficientBalanceError where the voucher's balance, or
    what confirmed orders leave of it to one that is not confirmed, is below the amount, UnavailableError while another
    order is being paid with the voucher, the order is locked, or the API is not at this address. No money moved.
    """
    secret = unseal(payment.sealed_code)
    if secret is None:
        raise ReservationClosedError(
            f"order {payment.order_number}: {_why_not_chargeable(payment, amount)} and the code is not stored; "
            "the customer must enter it again. No money moved."
        )
    competing = competing_payments([payment])
    if any_in_flight(competing):
        raise UnavailableError(code="voucher_being_charged")
    if not is_usable_now(payment):
        _leave_to_confirmed(payment, amount, competing)
    try:
        hold = reserve_exactly(
            secret, amount, payment.currency, account=payment.account, voucher_id=payment.voucher_id
        )
    except RefusedError as error:
        with alerting(payment.order_number, payment.account):
            raise_if_elsewhere(error, payment.account)
        raise InsufficientBalanceError(
            f"order {payment.order_number}: the gift voucher …{payment.code_hint} does not hold "
            f"{with_code(amount, payment.currency)} any more. No money moved.",
            api_code=error.api_code,
            http_status=error.http_status,
            available=available_on(payment.voucher_id, payment.account),
        ) from None
    with unavailable_if_locked():
        record_hold(payment, hold, number)


def _leave_to_confirmed(payment: VoucherPayment, amount: Decimal, competing: list[VoucherPayment]) -> None:
    """Raise InsufficientBalanceError (``promised_elsewhere``) where a payment that was never confirmed would take what
    confirmed orders count on: its reservation has ended, so it has no claim to the voucher any more."""
    left = beside_confirmed(amount, competing, payment)
    if left < amount:
        raise InsufficientBalanceError(
            f"order {payment.order_number}: confirmed orders leave {with_code(left, payment.currency)} of the gift "
            f"voucher …{payment.code_hint}. No money moved.",
            code="promised_elsewhere",
            available=left,
        )


def _why_not_chargeable(payment: VoucherPayment, amount: Decimal) -> str:
    """Return why ``amount`` cannot be charged on the reservation of the payment."""
    if payment.status != "authorized" or not is_usable(payment.reserved_until, timezone.now()):
        return "the reservation has ended"
    held = with_code(payment.amount_authorized, payment.currency)
    return f"the reservation is of {held}, {plain(amount, payment.currency)} are to be charged"


def fail_payment(payment: VoucherPayment, amount: Decimal, **changes: Any) -> None:
    """End a payment that the Voucher Cloud refused: nothing is held, the code is erased. ``changes`` are further
    fields."""
    with atomic_or_conflict():
        ended = hold_ended_fields(payment, otherwise="failed") | ended_fields("refused")
        change_payment(payment, **ended, sealed_code="", **changes)
        announce(payment_failed, payment, amount)


def _save(payment: VoucherPayment, held: dict[str, Any]) -> None:
    if payment.pk is not None:
        change_payment(payment, **held)
        return
    for name, value in held.items():
        setattr(payment, name, value)
    INSERT_PAYMENT.run(payment)
