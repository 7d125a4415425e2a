"""What the voucher's bookings prove about an operation."""

from collections.abc import Collection, Sequence

from django.db.models import Q

from voucher_payment_gateway.api import Charge
from voucher_payment_gateway.connection import account_settings
from voucher_payment_gateway.gateway.operations.handler import OperationHandler
from voucher_payment_gateway.gateway.records.archived import archived_bookings, archived_on
from voucher_payment_gateway.gateway.records.bookings import bookings_of
from voucher_payment_gateway.models import VoucherOperation
from voucher_payment_gateway.rules.evidence import ABSENT, Evidence, charged_elsewhere

__all__ = ["read_evidence"]


def read_evidence(
    handler: OperationHandler, operation: VoucherOperation, *, may_have_arrived: bool = True
) -> Evidence:
    """Read the voucher's bookings, all pages, and return what those not yet recorded prove about ``operation``; of one
    that books nothing, read the voucher.

    One that was never sent from this database (``may_have_arrived`` false) may be there all the same: another database
    has sent it. A booking without an order number is not taken for it then.

    Raises UnavailableError, CredentialsError or ContractError where they cannot be read: nothing is proven then.
    """
    if not handler.is_booking:
        return handler.voucher_evidence(operation)
    recorded = VoucherOperation.current.on_voucher_of(operation).exclude(remote_id="")
    archived = archived_bookings(operation.account, [operation.voucher_id])
    known = recorded.order_by().values_list("remote_id", flat=True).union(archived).order_by()
    ours = set(known)  # read before the bookings
    bookings = bookings_of(operation.voucher_id, operation.account)
    numbered = bookings if may_have_arrived else [row for row in bookings if row.order_number]
    evidence = handler.evidence(operation, numbered, ours)
    if evidence.verdict == "absent" and operation.kind == "charge":
        return _charged_elsewhere(operation, bookings, ours)
    return evidence


def _charged_elsewhere(
    operation: VoucherOperation, bookings: Sequence[Charge], ours: Collection[str]
) -> Evidence:
    charges = VoucherOperation.current.on_voucher_of(operation).filter(kind="charge")
    booked_or_open = charges.exclude(pk=operation.pk).exclude(state__in=("refused", "not_applied"))
    ids = charged_elsewhere(
        bookings,
        order_number=operation.order_number,
        ours={*ours, *_accepted(operation)},
        # after the bookings: a reference is stored before it is sent
        references=set(booked_or_open.values_list("reference", flat=True)),
        clients=_own_clients(operation, bookings, ours),
    )
    return Evidence("elsewhere", elsewhere=ids) if ids else ABSENT


def _own_clients(operation: VoucherOperation, bookings: Sequence[Charge], ours: Collection[str]) -> set[str]:
    """Return the client ids of our recorded charges and of the account in the settings; empty where no charge is
    recorded."""
    recorded = {
        row.client_id for row in bookings if row.type == "charge" and row.id in ours and row.client_id
    }
    return recorded and recorded | {account_settings(operation.account).CLIENT_ID}


def _accepted(operation: VoucherOperation) -> set[str]:
    """Return the ids of the bookings for which a charge was stopped, and a person then said that it was not booked."""
    ended = Q(kind="charge") & Q(state="not_applied")
    stopped = VoucherOperation.current.on_voucher_of(operation).filter(ended, error_code="charged_elsewhere")
    archived = archived_on(operation.account, [operation.voucher_id]).filter(ended)
    baselines = [*stopped.values_list("baseline", flat=True)]
    baselines += [
        more.get("baseline")
        for more in archived.values_list("more", flat=True)
        if more.get("error_code") == "charged_elsewhere"
    ]
    return {remote_id for ids in baselines for remote_id in ids or ()}
