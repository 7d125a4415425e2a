"""The end of a proof: everything is settled, and three records agree to the cent: the Voucher Cloud's books, the
gateway's ledger, and the rows of the host."""

from decimal import Decimal
from io import StringIO

from django.core.management import call_command

from tests.hosts import settled
from tests.hosts.django_payments.models import Payment
from tests.proofs.storm import oracle as books
from voucher_payment_gateway.hosts.django_payments import PaymentAdapter, rows

__all__ = ["problems", "settle_to_the_end"]


def settle_to_the_end(later):
    """Settle until nothing is open, and bring the rows into step."""
    settled.settle_to_the_end(later)
    call_command("voucher_payment_rows", stdout=StringIO())


def problems(cloud, totals):
    """Return every difference; an empty list is right. ``totals``: the highest total of each row, by primary key."""
    vouchers = [cloud.voucher(each.id) for each in cloud.store.state.vouchers.values()]
    highest = {PaymentAdapter().number(row): totals[row.pk] for row in Payment.objects.all()}
    found = books.problems(cloud, vouchers, highest)
    return [*found, *(f"{row.pk}: {problem}" for row in Payment.objects.all() for problem in _of_row(row))]


def _of_row(row):
    """Compare a row with the ledger, by sums of its own and not by those of the adapter."""
    paid = list(rows.vouchers_of(row).values_list("amount_captured", "amount_refunded", "amount_authorized"))
    captured, refunded, held = (
        (sum(column, Decimal("0.00")) for column in zip(*paid, strict=True)) if paid else (0,) * 3
    )
    if row.captured_amount != captured - refunded:
        yield f"captured_amount is {row.captured_amount}, the ledger says {captured - refunded}"
    if captured:
        expected = {"confirmed"} if captured > refunded else {"refunded"}
    else:
        expected = {"waiting", "preauth", "rejected", "refunded", "cancelled"}
    if row.status not in expected:
        yield f"status is {row.status}, it must be one of {expected}"
    if held and row.status not in ("waiting", "preauth"):
        yield f"status is {row.status}, and {held} are held"
