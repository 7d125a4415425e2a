"""What the gateway asks the shop about gift vouchers that it sells, and the top-ups of a paid order.

The settings name ``vouchers``, ``is_paid`` and ``customer_orders``.
"""

from collections.abc import Iterable, Iterator
from typing import Any

from django.dispatch import receiver
from django.http import HttpRequest
from django.utils.translation import gettext as _

from shop.models import Order
from shop.signals import order_paid
from voucher_payment_gateway import gateway
from voucher_payment_gateway.models import VoucherSale
from voucher_payment_gateway.orders import SoldVoucher

__all__ = ["customer_orders", "is_paid", "own_sale", "refusal", "top_up_vouchers", "vouchers"]


def vouchers(order: Order) -> Iterator[SoldVoucher]:
    """Return the gift vouchers that the order sells (``SOLD_VOUCHERS``): its top-ups make no new one."""
    for line in order.gift_lines.filter(top_up=None):
        yield SoldVoucher(
            key=str(line.pk),
            amount=line.amount,
            recipient_email=line.recipient_email,
            recipient_name=line.recipient_name,
            message=line.message,
            deliver_at=line.deliver_at,
            language=line.language,
        )


def is_paid(order: Order) -> bool:
    """Return whether the card was charged, or the money is in the till (``ORDER_IS_PAID``)."""
    return order.paid_at is not None


def customer_orders(request: HttpRequest) -> Iterable[Order]:
    """Return the placed orders of this visitor, newest first (``CUSTOMER_ORDERS``)."""
    return Order.objects.filter(pk__in=request.session.get("orders", []), confirmed_at__isnull=False)


def own_sale(request: HttpRequest, pk: object) -> VoucherSale | None:
    """Return an active gift voucher that this visitor bought, to be topped up."""
    numbers = customer_orders(request).values_list("number", flat=True)
    active = VoucherSale.objects.filter(status="active", target="active", order_number__in=list(numbers))
    return active.filter(pk=pk).first() if str(pk).isdecimal() and len(str(pk)) < 19 else None


def refusal(order: Order) -> str:
    """Return why the order cannot be placed, or an empty text."""
    lines = list(order.gift_lines.all())
    if order.voucher_due < sum(line.amount for line in lines):
        return _(
            "A gift voucher cannot pay for another gift voucher. Please remove it or change your basket."
        )
    sales = [line.topped_up_sale for line in lines if line.top_up]
    if any(sale is None or sale.status != "active" or sale.target != "active" for sale in sales):
        return _("A gift voucher in your basket cannot be topped up any more. Please remove it.")
    return ""


@receiver(order_paid)
def top_up_vouchers(sender: object, order: Order, **_: Any) -> None:
    """Add the paid money to the gift vouchers that the order tops up: once for each line, whatever is repeated.

    The signal is sent in a transaction: after an error the order is not noted as paid, and the staff decide.
    """
    for line in order.gift_lines.exclude(top_up=None):
        gateway.top_up(line.topped_up_sale, line.amount, key=f"order {order.number}, line {line.pk}")
