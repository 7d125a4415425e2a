"""The order with its lines in one form. Django saves the order before its lines, so its total follows last."""

from decimal import Decimal

from django.contrib import admin

from tests.shop.models import Order, OrderLine


class LineInline(admin.TabularInline):
    model = OrderLine
    extra = 1


@admin.register(Order)
class OrderAdmin(admin.ModelAdmin):
    fields = ("number", "currency", "status")
    inlines = (LineInline,)

    def save_related(self, request, form, formsets, change):
        super().save_related(request, form, formsets, change)
        order = form.instance
        order.total = sum((line.amount for line in order.lines.all()), Decimal("0.00"))
        order.save(update_fields=["total"])
