"""A person reads the Voucher Cloud's bookings, and decides the operations that the package leaves to a person."""

from typing import Any

from tests.proofs.storm.books import bookings_of
from tests.shop.models import Order
from voucher_payment_gateway import gateway
from voucher_payment_gateway.models import VoucherOperation
from voucher_payment_gateway.sandbox import LOCAL_CLIENT_ID, LocalVoucherCloud

__all__ = ["Reviewer"]

NUMBERED = ("charge", "recharge")
"""Kinds of bookings that are known by a number of their own."""


class Reviewer:
    """The person who decides at the end of a day."""

    cloud: LocalVoucherCloud

    def review(self, order: Order, voucher: Any, amount: str) -> None:
        """A person decides the operations in ``manual``. What was booked on a voucher that was deleted since is left,
        since it can be read no more."""
        ours = set(VoucherOperation.objects.exclude(remote_id="").values_list("remote_id", flat=True))
        for operation in VoucherOperation.objects.filter(state="manual").order_by("pk"):
            booked = self._booked(operation, ours)
            if booked and self._is_deleted(operation) and operation.kind != "deactivate":
                continue
            gateway.conclude(operation, remote_id=booked, actor="anna", reason="the books")
            ours.add(booked)

    def _is_deleted(self, operation: VoucherOperation) -> bool:
        voucher = self.cloud.store.state.vouchers.get(operation.voucher_id)
        return voucher is not None and voucher.deleted

    def _booked(self, operation: VoucherOperation, ours: set[str]) -> str:
        """Return the id of the booking that a person takes for this operation; empty where there is none."""
        if operation.kind in ("issue", "activate", "deactivate"):
            return self._seen_at_the_cloud(operation)
        late = {answer["remote_id"] for answer in operation.late_answers}
        rows = [row.id for row in self._bookings_for(operation) if row.id not in ours]
        return next((row for row in rows if row in late), rows[-1] if rows else "")

    def _seen_at_the_cloud(self, operation: VoucherOperation) -> str:
        """Return the id of the voucher by which a person concludes an operation that books nothing; empty where it was
        not done."""
        voucher = self.cloud.store.state.vouchers.get(operation.voucher_id)
        is_done = {
            "issue": voucher is not None,
            "activate": voucher is not None and voucher.status == "active" and not voucher.deleted,
            "deactivate": voucher is None or voucher.deleted,
        }
        return operation.voucher_id if is_done[operation.kind] else ""

    def _bookings_for(self, operation: VoucherOperation) -> list[Any]:
        rows = [row for row in bookings_of(self.cloud, operation.voucher_id) if row.type == operation.kind]
        if operation.kind in NUMBERED:
            return [row for row in rows if row.order_number == operation.reference]
        return [
            row
            for row in rows
            if row.charge_id == operation.target_id
            and row.amount == operation.amount
            and row.client_id == LOCAL_CLIENT_ID
        ]
