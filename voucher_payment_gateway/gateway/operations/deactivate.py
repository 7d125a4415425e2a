"""Taking a voucher back: it is set inactive and deleted, unless something of it was spent."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, Literal

from django.db.models import Q
from django.utils import timezone

from voucher_payment_gateway.conf import gateway_settings
from voucher_payment_gateway.connection import voucher_cloud
from voucher_payment_gateway.currencies import with_code
from voucher_payment_gateway.exceptions import (
    CredentialsError,
    RefusedError,
    UnavailableError,
    VoucherGatewayError,
)
from voucher_payment_gateway.gateway.operations.handler import OperationHandler
from voucher_payment_gateway.gateway.records.announce import announce_sale, request_review
from voucher_payment_gateway.gateway.records.bookings import bookings_of
from voucher_payment_gateway.gateway.records.order_view import is_competing
from voucher_payment_gateway.gateway.records.sales import change_sale, delivery_fields, sale_of
from voucher_payment_gateway.gateway.records.vouchers import voucher_of
from voucher_payment_gateway.models import VoucherOperation, VoucherPayment, VoucherSale
from voucher_payment_gateway.models.sale import KEY_IS_FREE
from voucher_payment_gateway.money import ZERO
from voucher_payment_gateway.rules.evidence import ABSENT, Evidence
from voucher_payment_gateway.rules.resolution import expiry_of
from voucher_payment_gateway.rules.sales import (
    bookings_are_final_from,
    is_whole,
    spent_amount,
    stays_inactive_from,
)
from voucher_payment_gateway.signals import voucher_taken_back

__all__ = ["DEACTIVATE", "order_paid_by", "spent_error", "topped_up_text"]


class DeactivateHandler(OperationHandler):
    """Set the voucher inactive, then delete it. Each step may be repeated.

    Only the Voucher Cloud knows for certain whether something was spent: it deletes no voucher with bookings. One of
    which everything spent was refunded, or that was topped up, stays there, inactive. It counts as taken back once no
    hold that was made while it was valid can be charged any more; ``target_dead_at`` says when that is.
    """

    kind = "deactivate"
    is_booking = False

    def call(self, operation: VoucherOperation) -> str:
        voucher = voucher_of(operation.voucher_id, operation.account)
        if voucher is not None and voucher.status == "active":
            _refuse_used(operation)
            _note_holds_end(operation, None)  # of a voucher that became valid again
            _set_status(operation, "inactive", "taken back")
        if voucher is not None:
            _delete(operation)
        return operation.voucher_id

    def voucher_evidence(self, operation: VoucherOperation) -> Evidence:
        """A deleted voucher proves it; any other one is not finished, and is repeated after the grace period."""
        is_gone = voucher_of(operation.voucher_id, operation.account) is None
        return Evidence("found", operation.voucher_id) if is_gone else ABSENT

    def is_recorded(self, operation: VoucherOperation) -> bool:
        """Return whether the sale was taken back, by this operation or another one."""
        return sale_of(operation).status == "taken_back"

    def subject_changes(self, operation: VoucherOperation) -> Mapping[str, Any]:
        return {
            "status": "taken_back",
            "taken_back_at": timezone.now(),
            "sealed_code": "",
            "due_at": None,
            "deliver_due_at": None,
        }

    def announce(self, operation: VoucherOperation) -> None:
        announce_sale(voucher_taken_back, sale_of(operation), operation.amount)

    def on_refused(self, operation: VoucherOperation) -> None:
        """Leave the voucher to its holder, and request a review: the shop may have refunded it otherwise."""
        sale = sale_of(operation)
        changes: dict[str, Any] = {"due_at": None}
        if sale.end_reason not in KEY_IS_FREE:  # else the order may have been sold another one under this key
            wanted = "active" if sale.status == "active" else "issued"
            changes |= {"target": wanted, "end_reason": ""}
        if sale.status == "active" and sale.delivered_at is None:
            changes |= delivery_fields(sale)
        change_sale(sale, **changes)
        request_review(operation)


def _set_status(operation: VoucherOperation, status: Literal["active", "inactive"], why: str) -> None:
    """Set the status. Where that is refused it may be so already: an intermediary has repeated the request."""
    try:
        comment = f"order {operation.order_number}: {why}"
        voucher_cloud(operation.account).set_voucher_status(operation.voucher_id, status, comment)
    except (RefusedError, CredentialsError):
        voucher = voucher_of(operation.voucher_id, operation.account)
        if status != (voucher.status if voucher else "inactive"):
            raise


def _delete(operation: VoucherOperation) -> None:
    """Delete the voucher, or leave it inactive where the Voucher Cloud refuses that for what was spent and refunded.

    Raises RefusedError where something is spent, UnavailableError where it may be: it is tried again then.
    """
    try:
        comment = f"order {operation.order_number}: taken back"
        voucher_cloud(operation.account).delete_voucher(operation.voucher_id, comment)
        return
    except (RefusedError, CredentialsError) as refused:  # any status: that of a refusal is not documented
        error = refused
    asked_at = timezone.now()
    voucher = voucher_of(operation.voucher_id, operation.account)
    if voucher is None:
        return
    read_at = timezone.now()
    bookings = bookings_of(operation.voucher_id, operation.account)
    if (spent := spent_amount(bookings)) > ZERO:
        _set_status(operation, "active", "not taken back, it is spent")
        raise spent_error(sale_of(operation), spent)
    if voucher.status == "active" or not is_whole(operation.amount, voucher.remaining_amount, bookings):
        raise _not_deleted(operation, "something of it may be held or spent just now", error)
    if not bookings:
        if isinstance(error, CredentialsError):
            raise error
        raise _not_deleted(operation, "though nothing of it was spent", error)
    _wait_for_late_activations(operation, asked_at)
    _wait_for_holds(operation, read_at)


def _not_deleted(operation: VoucherOperation, why: str, error: VoucherGatewayError) -> UnavailableError:
    """Return the error that says why it is tried again; with the status of the refusal, after which a person must
    decide when it has lasted for a day."""
    return UnavailableError(
        f"order {operation.order_number}: the Voucher Cloud does not delete the gift voucher, {why}. Settle tries it "
        "again. No money moved.",
        code="delete_refused",
        http_status=error.http_status,
    )


def _wait_for_late_activations(operation: VoucherOperation, asked_at: datetime) -> None:
    """Raise UnavailableError where a copy of an activation may have arrived after ``asked_at``, when the voucher was
    read: it would make it valid again. A take back that found something spent has activated it, too."""
    activated = Q(kind="activate", sending_at__isnull=False) | Q(kind="deactivate", state="refused")
    activations = VoucherOperation.current.filter(activated, sale=operation.sale)
    sent_at = activations.order_by("-sending_at").values_list("sending_at", flat=True).first()
    grace = timedelta(seconds=gateway_settings().REFUND_GRACE_SECONDS)
    earliest = stays_inactive_from(sent_at, grace)
    if earliest is not None and asked_at < earliest:
        raise UnavailableError(
            f"order {operation.order_number}: the gift voucher is inactive. Settle takes it back for good once nothing "
            "that was sent earlier can make it valid again.",
            code="activation_may_arrive",
            retry_after_seconds=(earliest - asked_at).total_seconds(),
        )


def _wait_for_holds(operation: VoucherOperation, read_at: datetime) -> None:
    """Raise UnavailableError where a hold that was made while the voucher was valid may have been charged after
    ``read_at``, when the bookings were read. It stays inactive, so no hold is younger than the first such read."""
    holds_end_at = expiry_of(operation.target_dead_at, read_at)
    _note_holds_end(operation, holds_end_at)
    final_from = bookings_are_final_from(holds_end_at, timedelta(seconds=gateway_settings().LIST_LAG_SECONDS))
    if read_at < final_from:
        raise UnavailableError(
            f"order {operation.order_number}: the gift voucher is inactive. Settle takes it back for good once no "
            "reservation that was made earlier can be charged any more. No money moved.",
            code="hold_may_be_charged",
            retry_after_seconds=(final_from - read_at).total_seconds(),
        )


def _note_holds_end(operation: VoucherOperation, holds_end_at: datetime | None) -> None:
    """Store when no hold of the voucher can be charged any more; None: not known, it is about to be set inactive.

    Stored before what follows from it. Where another worker has taken the operation over, nothing is stored.
    """
    if operation.target_dead_at != holds_end_at:
        as_claimed = VoucherOperation.current.filter(pk=operation.pk, claim=operation.claim)
        as_claimed.update(target_dead_at=holds_end_at)
        operation.target_dead_at = holds_end_at


def _refuse_used(operation: VoucherOperation) -> None:
    """Raise RefusedError where something of the voucher was spent (``voucher_spent``), an order of this shop counts on
    it (``voucher_in_use``), or, with ``amount_asked``, it was topped up (``voucher_topped_up``)."""
    sale = sale_of(operation)
    if number := order_paid_by(sale):
        raise RefusedError(
            f"order {sale.order_number}: the gift voucher …{sale.code_hint} pays for order {number}: it cannot be "
            "taken back. It is still valid.",
            code="voucher_in_use",
        )
    bookings = bookings_of(operation.voucher_id, operation.account)
    if (spent := spent_amount(bookings)) > ZERO:
        raise spent_error(sale, spent)
    if operation.amount_asked is not None and any(row.type == "recharge" for row in bookings):
        raise RefusedError(
            f"order {sale.order_number}: {topped_up_text(sale)} It is still valid.", code="voucher_topped_up"
        )


def order_paid_by(sale: VoucherSale) -> str:
    """Return the number of an order of this shop that counts on the voucher of ``sale``; "" where none does."""
    known = VoucherPayment.current.with_open_charge()
    payments = known.filter(voucher_id=sale.voucher_id, account=sale.account)
    return next((payment.order_number for payment in payments if is_competing(payment)), "")


def topped_up_text(sale: VoucherSale) -> str:
    """Return why a voucher that was topped up is not taken back with its order, and the cure."""
    return (
        f"the gift voucher …{sale.code_hint} was topped up since, with money that is not of this order. Give the sale "
        "itself to take it back with all that is on it."
    )


def spent_error(sale: VoucherSale, spent: Decimal) -> RefusedError:
    """Return the error that says what of a voucher was spent, so that it cannot be taken back."""
    return RefusedError(
        f"order {sale.order_number}: {with_code(spent, sale.currency)} of the gift voucher …{sale.code_hint} were "
        "spent: it cannot be taken back. It is still valid.",
        code="voucher_spent",
    )


DEACTIVATE = DeactivateHandler()
