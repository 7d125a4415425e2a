"""Drafts of differences: rows that are not saved yet, each with a sentence for people."""

from collections.abc import Sequence
from datetime import UTC, datetime
from decimal import Decimal

from voucher_payment_gateway.currencies import with_code
from voucher_payment_gateway.exceptions import VoucherGatewayError
from voucher_payment_gateway.models import VoucherDifference, VoucherOperation, VoucherPayment, VoucherSale
from voucher_payment_gateway.rules.comparison import DatedBooking, Finding, is_left_open
from voucher_payment_gateway.rules.states import MONEY_KINDS, OPEN_STATES

__all__ = [
    "draft",
    "hold_draft",
    "holds_left_open",
    "order_draft",
    "sale_draft",
    "set_operation",
    "unread_draft",
]

MAX_LENGTH = 255


def draft(
    voucher_id: str, account: str, finding: Finding, operations: Sequence[VoucherOperation]
) -> VoucherDifference:
    """Return the row of a difference between an operation and a booking."""
    entry, booking = finding.entry, finding.booking
    operation = next((each for each in operations if entry and each.pk == entry.id), None)
    row = _row(voucher_id, account, finding.kind, finding.remote_id, operations)
    if booking is not None:
        _show_booking(row, booking)
    if operation is not None:
        _show_operation(row, operation)
    if operation is not None and finding.kind in ("ours_only", "differs"):
        row.amount_ours = operation.amount
    row.sentence = _sentence(row, operation)
    return row


def set_operation(row: VoucherDifference, operation: VoucherOperation) -> None:
    """Turn an unknown booking into a difference to its operation, which is on another voucher."""
    row.kind, row.amount_ours = "differs", operation.amount
    _show_operation(row, operation)
    row.sentence = _sentence(row, operation)


def hold_draft(payment: VoucherPayment, operations: Sequence[VoucherOperation]) -> VoucherDifference:
    """Return the row of a reservation that was left open."""
    row = _row(payment.voucher_id, payment.account, "hold_left_open", payment.reservation_id, operations)
    row.payment, row.order_number = payment, payment.order_number
    held = (each.amount for each in operations if each.remote_id == payment.reservation_id)
    row.amount_ours = payment.amount_authorized or next(held, None)
    row.sentence = _hold_sentence(payment, row)
    return row


def order_draft(payment: VoucherPayment, kind: str, amount: Decimal) -> VoucherDifference:
    """Return the row of a payment whose order is gone, cancelled, or was paid more than it costs."""
    money = with_code(amount, payment.currency)
    sentence = {
        "order_gone": f"The order is gone, but its payment keeps, or may still charge, {money}.",
        "order_cancelled": f"The order is cancelled, but its payment keeps, or may still charge, {money}.",
        "order_overpaid": f"The vouchers paid {money} more than the order costs.",
    }
    return VoucherDifference(
        kind=kind,
        account=payment.account,
        voucher_id=payment.voucher_id,
        remote_id=payment.order_number,
        code_hint=payment.code_hint,
        payment=payment,
        order_number=payment.order_number,
        amount_ours=amount,
        currency=payment.currency,
        sentence=sentence[kind],
    )


def sale_draft(sale: VoucherSale, kind: str, theirs: str | None) -> VoucherDifference:
    """Return the row of a sold voucher that is gone, or in another status than its sale; ``theirs`` is its status."""
    return VoucherDifference(
        kind=kind,
        account=sale.account,
        voucher_id=sale.voucher_id,
        remote_id=sale.voucher_id,
        code_hint=sale.code_hint,
        sale=sale,
        order_number=sale.order_number,
        amount_ours=sale.amount,
        currency=sale.currency,
        sentence=_sale_sentence(sale.status, theirs),
    )


def _sale_sentence(ours: str, theirs: str | None) -> str:
    if theirs is None:
        return (
            f"The sale is {ours}, but the Voucher Cloud has no such voucher: it was deleted there. If that was right, "
            "take the sale back; else give its holder a new voucher, as store credit."
        )
    if ours == "active":
        return (
            f"The sale is active, but its voucher is {theirs[:50]} at the Voucher Cloud: it cannot be redeemed. "
            "Activate it there, or take the sale back."
        )
    if ours == "taken_back":
        return (
            "The sale was taken back, but its voucher is active at the Voucher Cloud: it can be redeemed. Deactivate "
            "and delete it there."
        )
    return (
        "The sale is issued and not activated, but its voucher is active at the Voucher Cloud: it can be redeemed. "
        "Activate the sale if its order is paid, else take it back."
    )


def unread_draft(
    voucher_id: str, account: str, operations: Sequence[VoucherOperation], error: VoucherGatewayError
) -> VoucherDifference:
    """Return the row of a voucher that was not compared, since its bookings could not be read."""
    row = _row(voucher_id, account, "not_compared", "", operations)
    row.sentence = f"The voucher's bookings could not be read ({error.code}): it was not compared."
    return row


def _row(
    voucher_id: str, account: str, kind: str, remote_id: str, operations: Sequence[VoucherOperation]
) -> VoucherDifference:
    hints = (each.subject.code_hint for each in operations)
    return VoucherDifference(
        kind=kind,
        account=account,
        voucher_id=voucher_id,
        remote_id=remote_id,
        code_hint=next(hints, ""),
        currency=operations[0].currency if operations else "",
    )


def _show_booking(row: VoucherDifference, booking: DatedBooking) -> None:
    row.booking_type = booking.type
    row.amount_theirs = booking.amount
    row.booked_at = booking.created_at
    row.client_id = (booking.client_id or "")[:MAX_LENGTH]
    row.reference = (booking.order_number or "")[:MAX_LENGTH]


def _show_operation(row: VoucherDifference, operation: VoucherOperation) -> None:
    # what is archived has no row in the ledger that a foreign key could name
    row.operation, row.order_number = None if operation.is_archived else operation, operation.order_number
    row.payment, row.sale = operation.payment, operation.sale
    row.booking_type = row.booking_type or operation.kind


def _sentence(row: VoucherDifference, operation: VoucherOperation | None) -> str:
    theirs = f"a {row.booking_type} of {_money(row.amount_theirs, row)}"
    ours = f"a {operation.kind} of {_money(operation.amount, row)}" if operation else ""
    match row.kind:
        case "ours_only":
            return f"We have {ours}, booked. The Voucher Cloud shows no such booking."
        case "differs":
            return f"We have {ours}{_where(row, operation)}. The Voucher Cloud has {theirs}{_number(row)}."
        case "refund_by_hand":
            whose = "" if row.reference else " It names no charge, so it may be of another client's charge."
            return f"The Voucher Cloud has {theirs} by another client: refunded by hand. We do not have it.{whose}"
    return f"The Voucher Cloud has {theirs}{_number(row)} that we do not have.{_waiting(operation)}"


def _where(row: VoucherDifference, operation: VoucherOperation | None) -> str:
    if operation is None or operation.voucher_id == row.voucher_id:
        return f" with the number {operation.reference}" if operation and operation.reference else ""
    return f" on another voucher, {operation.voucher_id}"


def _number(row: VoucherDifference) -> str:
    return f" with the number {row.reference}" if row.reference else ""


def _waiting(operation: VoucherOperation | None) -> str:
    if operation is None:
        return " It is of our own client."
    if operation.state == "manual":
        return f" Operation {operation.pk} ({operation.kind}) waits for a person, and may be it."
    return f" It fits operation {operation.pk} ({operation.kind}, {operation.state}): booked twice, or late."


def _hold_sentence(payment: VoucherPayment, row: VoucherDifference) -> str:
    expiry = _instant(payment.reservation_dead_at)
    if payment.status == "authorized":
        return (
            f"The payment is authorized for {_money(row.amount_ours, row)}, but its reservation ended by {expiry}: "
            "it was not captured, cancelled or lapsed."
        )
    return (
        f"The payment is {payment.status}, but its reservation was not released. It may hold "
        f"{_money(row.amount_ours, row)} until {expiry}, then it lapses."
    )


def _money(amount: Decimal | None, row: VoucherDifference) -> str:
    return "an unknown amount" if amount is None else with_code(amount, row.currency)


def _instant(at: datetime | None) -> str:
    return at.astimezone(UTC).strftime("%Y-%m-%d %H:%M UTC") if at else "an unknown time"


def holds_left_open(
    operations: Sequence[VoucherOperation], now: datetime
) -> tuple[list[VoucherDifference], set[str]]:
    """Return the differences of reservations left open, and the ids of reservations that cannot be judged yet: those of
    payments with an open operation."""
    payments = {
        operation.payment_id: operation.payment
        for operation in operations
        if operation.payment and operation.payment.voucher_id == operation.voucher_id
    }
    pending = {each.payment_id for each in operations if each.state in OPEN_STATES}
    used_up = {
        operation.target_id
        for operation in operations
        if operation.attempts and operation.kind in (*MONEY_KINDS, "cancel")
    }
    left_open = [
        hold_draft(payment, operations)
        for payment in payments.values()
        if payment.pk not in pending and _is_left_open(payment, used_up, now)
    ]
    return left_open, {
        payment.reservation_id
        for payment in payments.values()
        if payment.pk in pending and payment.reservation_id
    }


def _is_left_open(payment: VoucherPayment, used_up: set[str], now: datetime) -> bool:
    was_used_up = payment.reservation_id in used_up
    return is_left_open(payment.status, payment.reservation_dead_at, was_used_up=was_used_up, now=now)
