"""Confirmed orders come first: another order gets what they leave of a voucher's balance.

The Voucher Cloud keeps one reservation per voucher. Of several confirmed payments on one voucher at most one is held;
the others are reserved again when they are captured, with their stored codes.
"""

from collections.abc import Iterable
from contextlib import suppress
from dataclasses import replace
from decimal import Decimal
from typing import Any

from django.utils import timezone

from voucher_payment_gateway.conf import gateway_settings
from voucher_payment_gateway.currencies import smallest_unit
from voucher_payment_gateway.exceptions import InsufficientBalanceError, RefusedError, UnavailableError
from voucher_payment_gateway.gateway.holds.codes import code_expiry
from voucher_payment_gateway.gateway.holds.competing import mark_lapsed, payments_on
from voucher_payment_gateway.gateway.holds.refusals import available_on
from voucher_payment_gateway.gateway.holds.reserve import Hold, release, reserve_exactly
from voucher_payment_gateway.gateway.records.conflicts import ConflictError
from voucher_payment_gateway.gateway.records.payments import is_usable_now
from voucher_payment_gateway.models import VoucherPayment
from voucher_payment_gateway.money import ZERO, round_down
from voucher_payment_gateway.rules.cover import agreed, left_for_others, outlives_hold, outstanding
from voucher_payment_gateway.sealing import Secret, unseal

__all__ = [
    "Promises",
    "beside_confirmed",
    "confirmed_fields",
    "hold_beside_confirmed",
    "is_same_voucher",
    "promised",
    "with_same_pin",
]


class Promises:
    """The payments of all orders on some vouchers, as they were read."""

    def __init__(self, vouchers: Iterable[str]) -> None:
        self._payments = payments_on(vouchers)

    def of_others(self, voucher_id: str, payment: VoucherPayment) -> list[VoucherPayment]:
        """Return the payments of other orders than that of ``payment`` with this voucher of its account."""
        found = self._on(voucher_id, payment.account)
        return [other for other in found if other.order_number != payment.order_number]

    def next_confirmation(self, voucher_id: str, account: str) -> int:
        """Return the number of the voucher's next confirmation. Whoever confirms another payment first takes it, and
        the database refuses the second."""
        numbers = [payment.confirmation or 0 for payment in self._on(voucher_id, account)]
        return max(numbers, default=0) + 1

    def _on(self, voucher_id: str, account: str) -> list[VoucherPayment]:
        return [each for each in self._payments if (each.account, each.voucher_id) == (account, voucher_id)]


def promised(payments: Iterable[VoucherPayment]) -> list[VoucherPayment]:
    """Return those of the payments that are confirmed and count on their voucher."""
    return [payment for payment in payments if payment.confirmed_at and outstanding(payment) > ZERO]


def with_same_pin(payments: Iterable[VoucherPayment], secret: Secret) -> list[VoucherPayment]:
    """Return the payments that were made with the PIN of ``secret``, or whose PIN is not stored.

    Where the PIN differs the Voucher Cloud is asked first: a visitor who knows a code but not its PIN must not learn
    that another order counts on it.
    """
    known = ((payment, unseal(payment.sealed_code)) for payment in payments)
    return [payment for payment, stored in known if stored is None or stored.pin == secret.pin]


def beside_confirmed(
    wanted: Decimal, others: list[VoucherPayment], payment: VoucherPayment | None, *, held: Hold | None = None
) -> Decimal:
    """Return how much of ``wanted`` those of ``others`` that are confirmed leave; they have the same voucher.

    Reads the voucher once, and only where there are such payments. What ``payment`` has agreed itself is not taken away
    from it. ``held`` is a reservation that this call has made already. Raises InsufficientBalanceError
    (``promised_elsewhere``) where nothing is left, UnavailableError where the balance cannot be read.
    """
    confirmed, own = promised(others), agreed(payment) if payment else ZERO
    if not confirmed or wanted <= own:
        return wanted
    left = max(_left_beside(confirmed, held, others if payment is None else [*others, payment]), own)
    if left == ZERO:
        raise InsufficientBalanceError(
            "An order that is confirmed already will be paid with this gift voucher, which holds no more than that. "
            "No money moved.",
            code="promised_elsewhere",
        )
    return min(wanted, left)


def _left_beside(confirmed: list[VoucherPayment], held: Hold | None, known: list[VoucherPayment]) -> Decimal:
    """Return what the voucher's balance leaves; ``known`` are all its payments.

    Nothing is left where a confirmed one is held and its code is not stored: it could not be reserved again. Raises
    ConflictError where one of them was charged meanwhile: the balance may be that before the charge, or after it.
    """
    if any(is_usable_now(payment) and not payment.sealed_code for payment in confirmed):
        return ZERO
    balance = available_on(confirmed[0].voucher_id, confirmed[0].account)
    if balance is None:
        raise UnavailableError(code="balance_unreadable")
    if _charged(confirmed) != {(each.pk, each.amount_captured, each.open_charge) for each in confirmed}:
        raise ConflictError
    if gateway_settings().API_BEHAVIOUR.open_reservation_lowers_balance:
        balance += held.amount if held else _held_by(known)
    return left_for_others(round_down(balance, smallest_unit(confirmed[0].currency)), confirmed)


def _charged(payments: list[VoucherPayment]) -> set[tuple[int, Decimal, Decimal]]:
    """Return what is charged to the payments now, and what is being charged."""
    current = VoucherPayment.current.with_open_charge().filter(pk__in=[payment.pk for payment in payments])
    return set(current.values_list("pk", "amount_captured", "open_charge"))


def _held_by(payments: list[VoucherPayment]) -> Decimal:
    return max((payment.amount_authorized for payment in payments if is_usable_now(payment)), default=ZERO)


def hold_beside_confirmed(
    hold: Hold,
    promises: Promises,
    payment: VoucherPayment,
    secret: Secret,
    *,
    known: Iterable[VoucherPayment] = (),
) -> Hold:
    """Return ``hold``, or a smaller one that leaves to confirmed orders what they count on.

    ``known`` are payments that were read before it was made, as they were then: what those that were confirmed count on
    was left to them. The others show only now that the voucher's id is known, since their codes were spelled
    differently, were confirmed meanwhile, or count on more of it by now. Raises the errors of ``beside_confirmed``; the
    hold is released then.
    """
    others = promises.of_others(hold.voucher_id, payment)
    considered = {other.pk: outstanding(other) for other in promised(known)}
    # where an open reservation lowers the balance, it is known only now that the open one is our own
    is_certain = not gateway_settings().API_BEHAVIOUR.open_reservation_lowers_balance
    if is_certain and all(outstanding(each) <= considered.get(each.pk, ZERO) for each in promised(others)):
        return hold
    try:
        amount = beside_confirmed(hold.amount, others, payment, held=hold)
        if amount == hold.amount:
            return hold
        smaller = reserve_exactly(
            secret, amount, payment.currency, account=hold.account, voucher_id=hold.voucher_id
        )
    except (RefusedError, UnavailableError):
        release(hold.reservation_id, hold.account)
        _record_loss(others)
        raise
    return replace(smaller, is_all=True)


def _record_loss(others: list[VoucherPayment]) -> None:
    """Record that a reservation which is not recorded has replaced theirs."""
    for payment in others:
        if payment.status == "authorized":
            with suppress(ConflictError):
                mark_lapsed(payment, "taken_over")


def confirmed_fields(payment: VoucherPayment, voucher_id: str, promises: Promises) -> dict[str, Any]:
    """Return the fields of a payment that is confirmed now, or was and has another amount now. One that had lapsed for
    good is confirmed from now on."""
    still_counts = payment.status == "authorized" or outlives_hold(payment)
    confirmed_at = (payment.confirmed_at if still_counts else None) or timezone.now()
    return {
        "confirmed_at": confirmed_at,
        "confirmation": promises.next_confirmation(voucher_id, payment.account),
        "code_kept_until": code_expiry(confirmed_at),
    }


def is_same_voucher(payment: VoucherPayment, other: VoucherPayment) -> bool:
    """Return whether two payments have the same voucher, as far as that is known."""
    if payment.account != other.account:
        return False
    same_code = payment.code_fingerprint == other.code_fingerprint
    return same_code or (bool(payment.voucher_id) and payment.voucher_id == other.voucher_id)
