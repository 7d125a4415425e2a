"""The gift vouchers of the Oscar shop: products, payments by another method, and what became of them."""

from datetime import timedelta
from decimal import Decimal

from django.utils import timezone
from oscar.core.loading import get_model

from voucher_payment_gateway.hosts.oscar.selling_setup import amount_option, gift_voucher_class
from voucher_payment_gateway.models import VoucherSale

__all__ = ["buy", "day_in", "gift_voucher", "pay", "returned_event", "sales", "vouchers_of"]


def gift_voucher(price, title="", own_amount=False, worth=""):
    """Return a product that is a gift voucher at this price."""
    kind = gift_voucher_class()
    partner, _ = get_model("partner", "Partner").objects.get_or_create(name="Our own")
    product = get_model("catalogue", "Product").objects.create(
        title=title or f"Gift voucher {price}", product_class=kind, structure="standalone"
    )
    get_model("partner", "StockRecord").objects.create(
        product=product,
        partner=partner,
        partner_sku=f"gift-{product.pk}",
        price=Decimal(price),
        price_currency="EUR",
    )
    if own_amount:
        product.product_options.add(amount_option())
    if worth:
        kind.attributes.get_or_create(code="gift_voucher_amount", name="Worth", type="float")
        product.attr.gift_voucher_amount = float(worth)
        product.attr.save()
    return product


def buy(shop, product, *more, visitor=None, **options):
    """Place an order for a gift voucher, and other products, through Oscar's own views."""
    visitor = visitor or shop.visitor()
    fields = {f"gift-voucher-{name}": value for name, value in options.items()}
    response = visitor.client.post(f"/basket/add/{product.pk}/", {"quantity": 1, **fields})
    assert response.status_code == 302, response.content.decode()
    assert "basket" in visitor.client.get("/basket/").request["PATH_INFO"]
    visitor.buy(*more).to_preview().place()
    return shop.orders.latest("pk")


def pay(order, amount="", allocated=""):
    """Pay the order by card: all of it, or ``amount``."""
    card, _ = get_model("payment", "SourceType").objects.get_or_create(name="Card", code="card")
    return order.sources.create(
        source_type=card,
        currency=order.currency,
        amount_allocated=Decimal(allocated or amount or order.total_incl_tax),
        amount_debited=Decimal(amount or order.total_incl_tax),
    )


def sales(order):
    """Return what the order has sold, oldest first."""
    return list(VoucherSale.objects.filter(order_number=order.number).order_by("pk"))


def returned_event():
    return get_model("order", "ShippingEventType").objects.get(name="Returned")


def day_in(days):
    """Return a day as the browser sends it."""
    return (timezone.localdate() + timedelta(days=days)).isoformat()


def vouchers_of(shop):
    """Return the vouchers at the Voucher Cloud, oldest first."""
    return [shop.cloud.voucher(voucher_id) for voucher_id in shop.cloud.store.state.vouchers]
