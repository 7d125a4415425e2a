"""The calls of the shop during which it crashes, and those after the restart."""

from contextlib import suppress
from decimal import Decimal

from django.db import transaction

from tests.proofs.crash.shop import ANOTHER, order
from tests.shop.models import Order
from voucher_payment_gateway import gateway
from voucher_payment_gateway.models import VoucherOperation

A, B = "KILL-AAAA-2000", "KILL-BBBB-3000"


class RolledBackError(Exception):
    """Rolls the shop's transaction back."""


def authorize() -> None:
    gateway.authorize(order(), A)


def authorize_selected() -> None:
    gateway.authorize_selected(order())


def capture() -> None:
    gateway.capture(order())


def capture_part() -> None:
    gateway.capture(order(), "12.00")


def capture_with_key() -> None:
    gateway.capture(order(), "12.00", key="job-1")


def capture_both_with_key() -> None:
    """Charge two vouchers: both operations are written at once."""
    gateway.capture(order(), "25.00", key="job-1")


def refund_with_key() -> None:
    gateway.refund(order(), "13.00", key="return-1")


def cancel_with_key() -> None:
    gateway.cancel(order(), key="abort-1")


def capture_two_parcels_in_atomic() -> None:
    """Two parcels in one transaction, each with a key of its own."""
    with transaction.atomic():
        gateway.capture(order(), "5.00", key="parcel-1")
        gateway.capture(order(), "7.00", key="parcel-2")


def refund_two_lines_in_atomic() -> None:
    """Two return lines of the same amount in one transaction, each with a key of its own."""
    with transaction.atomic():
        gateway.refund(order(), "5.00", key="line-1")
        gateway.refund(order(), "5.00", key="line-2")


def capture_rest() -> None:
    """Capture what is left of 20.00."""
    left = order().total - order().voucher_captured
    if left > 0:
        gateway.capture(order(), left)


def capture_and_ship() -> None:
    """Change the order and capture in one transaction."""
    with transaction.atomic():
        shipped = order()
        shipped.status = "shipped"
        shipped.save(update_fields=["status"])
        gateway.capture(shipped)


def ship_unless_shipped() -> None:
    if order().status != "shipped":
        capture_and_ship()


def refund_and_take_back() -> None:
    """Change the order and refund in one transaction."""
    with transaction.atomic():
        returned = order()
        returned.status = "returned"
        returned.save(update_fields=["status"])
        gateway.refund(returned)


def take_back_unless_returned() -> None:
    if order().status != "returned":
        refund_and_take_back()


def capture_and_roll_back() -> None:
    with suppress(RolledBackError), transaction.atomic():
        gateway.capture(order())
        raise RolledBackError


def capture_and_lower_total() -> None:
    """Ship, and take a line out of the order by the end of the transaction."""
    with transaction.atomic():
        shipped = order()
        gateway.capture(shipped)
        shipped.status, shipped.total = "shipped", Decimal("12.00")
        shipped.save(update_fields=["status", "total"])


def ship_cheaper_unless_shipped() -> None:
    if order().status != "shipped":
        capture_and_lower_total()


def confirm_and_ship_both() -> None:
    """Confirm the order beside another one that counts on its voucher; both ship."""
    authorize_selected_and_capture()
    gateway.capture(Order.objects.get(number=ANOTHER))


def authorize_and_capture() -> None:
    authorize()
    capture()


def authorize_selected_and_capture() -> None:
    authorize_selected()
    capture()


def refund() -> None:
    gateway.refund(order())


def refund_part() -> None:
    """Refund 13.00 less what was refunded or is in flight; no remote limit would prevent a double refund here."""
    refunds = VoucherOperation.objects.filter(kind="refund").exclude(state__in=("refused", "not_applied"))
    left = Decimal("13.00") - sum(operation.amount for operation in refunds)
    if left > 0:
        gateway.refund(order(), left)


def refund_little() -> None:
    """Refund 5.00 of 20.00, unless that was done or is in flight."""
    if not VoucherOperation.objects.filter(kind="refund").exists():
        gateway.refund(order(), "5.00")


def refund_all_with_key() -> None:
    """Repeated, a refusal is answered as before: without the key the refund would be tried again."""
    gateway.refund(order(), "20.00", key="return-1")


def refund_little_with_key() -> None:
    gateway.refund(order(), "5.00", key="return-1")


def cancel() -> None:
    gateway.cancel(order())
