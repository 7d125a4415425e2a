"""Teas, and the orders of customers."""

import uuid
from decimal import Decimal

from django.conf import settings
from django.db import models, transaction
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from shop.card import CardPayment
from shop.gift_line import GiftLine
from voucher_payment_gateway import gateway
from voucher_payment_gateway.models import VoucherOrderMixin

__all__ = ["CardPayment", "GiftLine", "Order", "OrderLine", "Product"]

FIRST_ORDER_NUMBER = 100_000


class Product(models.Model):
    """A tin of tea. ``tint`` colours the picture, ``motif`` is what is drawn on the tin."""

    class Motif(models.TextChoices):
        LEAF = "leaf"
        FLOWER = "flower"
        BERRY = "berry"
        CITRUS = "citrus"
        MOUNTAIN = "mountain"
        FLAME = "flame"

    slug = models.SlugField(unique=True)
    name = models.CharField(max_length=60)
    description = models.CharField(max_length=160)
    origin = models.CharField(max_length=60)
    price = models.DecimalField(max_digits=7, decimal_places=2)
    tint = models.CharField(max_length=7)
    motif = models.CharField(max_length=10, choices=Motif)

    class Meta:
        ordering = ("pk",)

    def __str__(self) -> str:
        return self.name


class Order(VoucherOrderMixin, models.Model):
    """An order. Its number is fixed when the checkout starts; gift voucher payments refer to it."""

    class Status(models.TextChoices):
        DRAFT = "draft", _("In checkout")
        CONFIRMED = "confirmed", _("Confirmed")
        SHIPPED = "shipped", _("Shipped")
        RETURNED = "returned", _("Returned")
        CANCELLED = "cancelled", _("Cancelled")

    class Rest(models.TextChoices):
        NOTHING = "", _("Nothing left to pay")
        COLLECTION = "collection", _("Paid on collection")
        CARD = "card", _("Paid by card")

    number = models.CharField(max_length=40, unique=True)
    total = models.DecimalField(max_digits=9, decimal_places=2, default=Decimal("0.00"))
    discount = models.DecimalField(max_digits=9, decimal_places=2, default=Decimal("0.00"))
    currency = models.CharField(max_length=3)
    status = models.CharField(max_length=10, choices=Status, default=Status.DRAFT)
    pay_rest = models.CharField(max_length=10, choices=Rest, blank=True)
    returns = models.PositiveIntegerField(default=0)
    customer_name = models.CharField(max_length=80, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    confirmed_at = models.DateTimeField(null=True, blank=True)
    paid_at = models.DateTimeField(null=True, blank=True)
    """When the card was charged for gift vouchers, or the customer has paid at the counter."""

    class Meta:
        ordering = ("-pk",)

    def __str__(self) -> str:
        return self.number

    def get_absolute_url(self) -> str:
        return reverse("order", args=[self.number])

    @classmethod
    def start(cls) -> "Order":
        """Create the order of a new checkout, with its final number."""
        with transaction.atomic():
            order = cls.objects.create(number=uuid.uuid4().hex, currency=settings.SHOP_CURRENCY)
            order.number = f"T-{FIRST_ORDER_NUMBER + order.pk}"
            order.save(update_fields=["number"])
        return order

    def take_return(self, seen: int) -> bool:
        """Count one more return, unless ``seen`` is outdated: a form that is sent twice is accepted once."""
        return bool(Order.objects.filter(pk=self.pk, returns=seen).update(returns=seen + 1))

    def move(self, status: str, *, to: str, **changes: object) -> bool:
        """Change ``status`` to another one (compare-and-set); return whether it changed."""
        moved = Order.objects.filter(pk=self.pk, status=status).update(status=to, **changes)
        self.refresh_from_db()
        return bool(moved)

    @property
    def cover(self) -> gateway.Cover:
        """What gift vouchers pay of the order, and what is due."""
        return gateway.cover(self)

    @property
    def goods(self) -> Decimal:
        """The price of the teas before the discount."""
        return self.total + self.discount - self.gifts

    @property
    def gifts(self) -> Decimal:
        """The price of the gift vouchers, to which no discount applies."""
        return sum((line.amount for line in self.gift_lines.all()), Decimal("0.00"))

    @property
    def awaits_payment(self) -> bool:
        """Whether money is still to come: at the counter, or by a card that gift vouchers wait for."""
        if self.paid_at or self.status not in (Order.Status.CONFIRMED, Order.Status.SHIPPED):
            return False
        return self.pay_rest == Order.Rest.COLLECTION or bool(self.pay_rest and self.gift_lines.exists())


class OrderLine(models.Model):
    """One tea of an order, with the price at the time."""

    order = models.ForeignKey(Order, on_delete=models.CASCADE, related_name="lines")
    product = models.ForeignKey(Product, on_delete=models.PROTECT)
    quantity = models.PositiveIntegerField()
    price = models.DecimalField(max_digits=7, decimal_places=2)

    class Meta:
        ordering = ("pk",)

    def __str__(self) -> str:
        return f"{self.quantity} × {self.product}"

    @property
    def amount(self) -> Decimal:
        """The price of this line."""
        return self.price * self.quantity
