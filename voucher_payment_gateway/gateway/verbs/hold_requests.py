"""The vouchers of one order that are to be held: requested all at the same time, then shared out.

All calls are made before the first row is written, so no lock of the database is held while the network is slow.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from decimal import Decimal

from voucher_payment_gateway.exceptions import (
    InsufficientBalanceError,
    RefusedError,
    ReservationClosedError,
    VoucherGatewayError,
)
from voucher_payment_gateway.gateway.holds.competing import any_in_flight, knows_pin, refuse_if_in_flight
from voucher_payment_gateway.gateway.holds.control import refuse_as_unusable
from voucher_payment_gateway.gateway.holds.parallel import in_parallel
from voucher_payment_gateway.gateway.holds.promises import (
    Promises,
    beside_confirmed,
    hold_beside_confirmed,
    is_same_voucher,
)
from voucher_payment_gateway.gateway.holds.refusals import refusal_of_held
from voucher_payment_gateway.gateway.holds.reserve import Hold, release, reserve_available
from voucher_payment_gateway.gateway.records.order_view import OrderView, refuse_if_open
from voucher_payment_gateway.gateway.records.payments import is_usable_now
from voucher_payment_gateway.models import VoucherPayment
from voucher_payment_gateway.money import ZERO
from voucher_payment_gateway.rules.cover import agreed
from voucher_payment_gateway.rules.states import HELD_BEFORE
from voucher_payment_gateway.sealing import unseal

__all__ = [
    "HoldRequest",
    "drop_duplicates",
    "leave_to_confirmed",
    "limit",
    "refuse_in_flight",
    "release_all",
    "reserve_all",
    "share_out",
]


@dataclass
class HoldRequest:
    """One voucher to be held: the maximum amount, and the answer of the Voucher Cloud."""

    payment: VoucherPayment
    amount: Decimal
    others: list[VoucherPayment] = field(default_factory=list)
    """Payments of other orders with this voucher, as far as they are known before it is reserved."""
    limit: Decimal | None = None
    """What confirmed orders leave of the voucher, where that is less than was wanted."""
    answer: Hold | VoucherGatewayError | None = None
    is_duplicate: bool = False
    """Another spelling of a code that is on the order already: it is removed."""
    is_needed: bool = True
    is_replaced: bool = False
    """Whether its reservation is lost, or may be, because another one was requested."""
    holds: bool = field(init=False)
    """Whether its reservation is good, though for another amount than is due now."""

    def __post_init__(self) -> None:
        self.holds = is_usable_now(self.payment)

    def on_previous_lost(self) -> None:
        """Note that another reservation of the voucher was made, or may have been."""
        self.is_replaced = True

    @property
    def keeps_its_hold(self) -> bool:
        """Whether the payment keeps its hold: no answer came, or a change was refused and the hold is good."""
        refused = isinstance(self.answer, RefusedError)
        return isinstance(self.answer, VoucherGatewayError) and (self.holds or not refused)

    @property
    def is_doubtful(self) -> bool:
        """Whether its refusal is no proof against a confirmed payment: 401 and 403 may as well be our credentials."""
        is_ours = getattr(self.answer, "http_status", None) in (401, 403)
        return is_ours and self.payment.confirmed_at is not None

    @property
    def is_reported(self) -> bool:
        """Whether the caller hears of its error: not where the hold is as good as before."""
        return isinstance(self.answer, VoucherGatewayError) and not (
            self.holds and isinstance(self.answer, RefusedError)
        )


def refuse_in_flight(requests: Iterable[HoldRequest], competing: list[VoucherPayment], currency: str) -> None:
    """Refuse the requests whose voucher is being charged for another order and whose PIN is not known to be right: as
    any unusable code. Raises OperationInProgressError where another voucher of the order is being charged."""
    if not any_in_flight(competing):
        return
    guesses = [(request, others) for request in requests if (others := _guessed(request, competing))]
    explained = {other.pk for _, others in guesses for other in others}
    refuse_if_in_flight(other for other in competing if other.pk not in explained)
    for request, _ in guesses:
        try:
            refuse_as_unusable(currency, request.payment.account)
        except VoucherGatewayError as error:
            request.answer = error


def _guessed(request: HoldRequest, competing: list[VoucherPayment]) -> list[VoucherPayment]:
    """Return the payments of other orders with the same code where its PIN was never checked and is not theirs."""
    secret = unseal(request.payment.sealed_code)
    if request.payment.status != "selected" or secret is None:
        return []
    others = [other for other in competing if is_same_voucher(request.payment, other)]
    return [] if knows_pin(secret, others) else others


def limit(requests: Iterable[HoldRequest]) -> None:
    """Limit each request to what confirmed orders leave of its voucher. One to which they leave nothing is refused."""
    for request in requests:
        try:
            left = beside_confirmed(request.amount, request.others, request.payment)
            request.limit = left if left < request.amount else None
            request.amount = left
        except VoucherGatewayError as error:
            request.answer = error
            request.holds = request.holds and not isinstance(error, RefusedError)


def reserve_all(requests: list[HoldRequest]) -> None:
    """Reserve for all requests at the same time; an answer may also be an error."""

    def reserve(request: HoldRequest) -> None:
        request.answer = _reserve_one(request)

    in_parallel(reserve, requests)


def release_all(reservations: list[tuple[str, str]]) -> None:
    """Release reservations, given by id and account. Nothing relies on the answers: a reservation lapses by itself."""
    in_parallel(lambda reservation: release(*reservation), reservations)


def _reserve_one(request: HoldRequest) -> Hold | VoucherGatewayError:
    secret = unseal(request.payment.sealed_code)
    if secret is None:
        return ReservationClosedError(
            "The code is not stored; the customer must enter it again. No money moved."
        )
    try:
        hold = reserve_available(
            secret,
            request.amount,
            request.payment.currency,
            account=request.payment.account,
            voucher_id=request.payment.voucher_id,
            on_previous_lost=request.on_previous_lost,
        )
        _refuse_less_than_agreed(request, hold)
    except VoucherGatewayError as error:
        return _explained(request, error)
    return replace(hold, is_all=hold.is_all or hold.amount == request.limit)


def _explained(request: HoldRequest, error: VoucherGatewayError) -> VoucherGatewayError:
    """Return the error, with its reason where the voucher was held before and is lost now: whoever held it may know."""
    if request.holds or not request.payment.voucher_id or not isinstance(error, RefusedError):
        return error
    return refusal_of_held(error, request.payment.voucher_id, request.payment.account)


def _refuse_less_than_agreed(request: HoldRequest, hold: Hold) -> None:
    """Raise InsufficientBalanceError where the voucher does not hold any more what was agreed: agreeing to less would
    make the order unpaid in silence."""
    if hold.amount >= min(agreed(request.payment), request.amount):
        return
    request.on_previous_lost()
    release(hold.reservation_id, hold.account)
    raise InsufficientBalanceError(available=hold.amount)


def drop_duplicates(view: OrderView, requests: list[HoldRequest]) -> None:
    """Find several spellings of one code: only the first stays. It is reserved again, since the others replaced it."""
    needing = {request.payment.pk for request in requests}
    others = [payment for payment in view.payments if payment.status in HELD_BEFORE]
    first = {
        (p.account, p.voucher_id): HoldRequest(p, p.amount_authorized) for p in others if p.pk not in needing
    }
    again: list[HoldRequest] = []
    for request in list(requests):
        if not isinstance(request.answer, Hold):
            continue
        kept = first.setdefault((request.answer.account, request.answer.voucher_id), request)
        if kept is not request:
            refuse_if_open([kept.payment])
            request.is_duplicate, request.answer = True, None
            again += [kept] if kept not in again else []
    requests += [request for request in again if request.payment.pk not in needing]
    reserve_all(again)


def leave_to_confirmed(requests: list[HoldRequest], promises: Promises) -> None:
    """Make those holds smaller that take what confirmed orders count on: it shows only now that it is their voucher,
    since the code was spelled differently."""
    for request in requests:
        secret = unseal(request.payment.sealed_code)
        if not isinstance(request.answer, Hold) or secret is None:
            continue
        try:
            request.answer = hold_beside_confirmed(
                request.answer, promises, request.payment, secret, known=request.others
            )
        except VoucherGatewayError as error:
            request.answer, request.holds = error, False


def share_out(requests: list[HoldRequest], due: Decimal) -> None:
    """Share what is due, oldest payment first. A larger hold is reserved again, an unneeded one is released."""
    too_much: list[HoldRequest] = []
    not_needed: list[tuple[str, str]] = []
    left = due - sum(
        (request.payment.amount_authorized for request in requests if request.keeps_its_hold), ZERO
    )
    for request in sorted(requests, key=lambda request: request.payment.pk):
        if not isinstance(request.answer, Hold):
            continue
        request.amount = max(min(request.answer.amount, left), ZERO)
        left -= request.amount
        if request.amount == ZERO:
            not_needed.append((request.answer.reservation_id, request.answer.account))
            request.answer, request.is_needed = None, False
        elif request.amount < request.answer.amount:
            too_much.append(request)
    release_all(not_needed)
    reserve_all(too_much)
