"""The end of a proof on an Oscar shop: everything is settled, and three records agree to the cent: the Voucher Cloud's
books, the gateway's ledger, and Oscar's payment sources with their transactions."""

from collections import Counter
from decimal import Decimal

from oscar.core.loading import get_model

from tests.proofs.storm.oracle import problems
from voucher_payment_gateway.models import VoucherPayment

__all__ = ["differences"]

ENDED = ("cancelled", "failed")


def differences(cloud):
    """Return what the three records do not agree on; an empty list is right."""
    orders = get_model("order", "Order").objects.order_by("pk")
    vouchers = [cloud.voucher(each.id) for each in cloud.store.state.vouchers.values()]
    found = problems(cloud, vouchers, {order.number: order.total_incl_tax for order in orders})
    return [*found, *(f"order {order.number}: {each}" for order in orders for each in _of_order(order))]


def _of_order(order):
    payments = VoucherPayment.objects.filter(order_number=order.number)
    sources = order.sources.filter(source_type__name="Gift voucher")
    for column, ours in (("amount_debited", "amount_captured"), ("amount_refunded", "amount_refunded")):
        listed, booked = _sum(sources, column), _sum(payments, ours)
        if listed != booked:
            yield f"{column} is {listed}, the ledger says {booked}"
    allocated, has_ended = _sum(sources, "amount_allocated"), not payments.exclude(status__in=ENDED).exists()
    if has_ended and allocated != _sum(payments, "amount_captured"):
        yield f"{allocated} are allocated, and nothing is held any more"
    for source in sources:
        steps = Counter()
        for step in source.transactions.all():
            steps[step.txn_type] += step.amount
        figures = {
            "Debit": source.amount_debited,
            "Refund": source.amount_refunded,
            "Authorise": source.amount_allocated + steps["Void"],
        }
        for kind, figure in figures.items():
            if steps[kind] != figure:
                yield f"the transactions {kind} are {steps[kind]}, the source says {figure}"


def _sum(rows, column):
    return sum(rows.values_list(column, flat=True), Decimal("0.00"))
