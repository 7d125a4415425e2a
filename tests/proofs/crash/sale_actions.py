"""The calls of a shop that sells vouchers during which it crashes, and those after the restart."""

from io import StringIO

from django.core.management import CommandError, call_command
from django.db import transaction

from tests.proofs.crash.handed_over import codes_file, order_file
from tests.proofs.crash.shop import BATCH, order
from tests.shop.models import Order
from voucher_payment_gateway import gateway
from voucher_payment_gateway.exceptions import OperationInProgressError
from voucher_payment_gateway.models import VoucherSale


def issue() -> None:
    gateway.issue(order())


def activate() -> None:
    gateway.activate(order())


def top_up() -> None:
    gateway.top_up(VoucherSale.objects.get(), "5.00", key="top-up")


def credit() -> None:
    gateway.credit(order(), "5.00", key="credit", recipient_email="ada@example.org")


def take_back() -> None:
    gateway.take_back(order())


def take_back_in_atomic() -> None:
    with transaction.atomic():
        gateway.take_back(order())


def top_up_in_atomic() -> None:
    with transaction.atomic():
        top_up()


def pay_and_activate() -> None:
    """Change the order and activate what it sells in one transaction."""
    with transaction.atomic():
        paid = order()
        paid.status = "paid"
        paid.save(update_fields=["status"])
        gateway.activate(paid)


def activate_unless_paid() -> None:
    if order().status != "paid":
        pay_and_activate()


def activate_and_change_lines() -> None:
    """Activate what the order sells, then save another line, as Django's admin does."""
    with transaction.atomic():
        gateway.activate(order())
        Order.objects.update(note="a=30.00")


def resend() -> None:
    """A clerk sends the code that is not delivered yet."""
    gateway.resend(VoucherSale.objects.get(), actor="clerk")


def issue_in_bulk() -> None:
    """Run the command; it asks to be run again where the outcome of a voucher is not known yet."""
    files = {"csv": order_file(), "out": codes_file()}
    try:
        call_command("voucher_issue", batch=BATCH, stdout=StringIO(), stderr=StringIO(), **files)
    except CommandError as error:
        raise OperationInProgressError(str(error)) from None
