"""The clerk in Oscar's dashboard: each step is a form that is posted to one of Oscar's own pages.

Oscar answers also to what it refuses with a page, and says why in a message: RefusedError is raised then.
"""

from datetime import timedelta
from decimal import Decimal

from django.contrib.auth import get_user_model
from django.contrib.messages import ERROR, get_messages
from django.db.models import F, Sum
from django.test import Client
from oscar.core.loading import get_model

__all__ = ["Desk", "RefusedError"]


class RefusedError(Exception):
    """The shop has answered that it does not do this."""


class Desk:
    """What a clerk does with the order of one number."""

    def __init__(self, number):
        self.number = number

    @property
    def row(self):
        """The order row, or None before the order is placed."""
        return get_model("order", "Order").objects.filter(number=self.number).first()

    def press(self, **form):
        expect_done(clerk().post(f"/dashboard/orders/{self.number}/", form))

    def ship(self, pieces=None):
        """Send a parcel with some pieces, or with all that were not sent yet."""
        line = self.row.lines.get()
        sent = line.shipping_event_quantities.aggregate(sum=Sum("quantity"))["sum"] or 0
        pieces = pieces or (line.quantity - sent) or line.quantity
        packed = {"selected_line": line.pk, f"selected_line_qty_{line.pk}": pieces}
        parcel = {"shipping_event_type": "shipped", "reference": "", **packed}
        self.press(line_action="create_shipping_event", **parcel)

    def give_back(self, amount):
        event = {"payment_event_type": "refunded", "amount": str(amount)}
        self.press(order_action="create_order_payment_event", **event)

    def give_back_later(self, amount):
        """The same after the half minute in which an equal event counts as a second click."""
        self.row.payment_events.update(date_created=F("date_created") - timedelta(seconds=31))
        self.give_back(amount)

    def paid_by_vouchers(self):
        """Return what the dashboard lists as paid by gift vouchers and not given back."""
        sources = self.row.sources.filter(source_type__name="Gift voucher")
        return sum((each.amount_debited - each.amount_refunded for each in sources), Decimal("0.00"))

    def paid_otherwise(self):
        """Return what the dashboard lists as allocated by other means of payment."""
        sources = self.row.sources.exclude(source_type__name="Gift voucher")
        return sum((each.amount_allocated for each in sources), Decimal("0.00"))

    def set_status(self, status):
        self.press(order_action="change_order_status", new_status=status)

    def delete(self):
        """Delete the row in the admin."""
        expect_done(clerk().post(f"/admin/order/order/{self.row.pk}/delete/", {"post": "yes"}))

    def edit(self, pieces, price):
        """Change the order, as a shop does whose clerks may do that: Oscar has no page for it."""
        row, line, total = self.row, self.row.lines.get(), pieces * price
        for tax in ("incl_tax", "excl_tax"):
            setattr(line, f"line_price_{tax}", total)
            setattr(line, f"line_price_before_discounts_{tax}", total)
            setattr(row, f"total_{tax}", total)
        line.quantity = pieces
        line.save()
        row.save()

    def stored(self):
        """Return the columns of the order row, by name; nothing before it is placed."""
        row = self.row
        return {} if row is None else type(row).objects.filter(pk=row.pk).values().get()


def clerk():
    """Return the browser of a clerk who may do everything."""
    staff, _ = get_user_model().objects.get_or_create(
        username="bo", defaults={"email": "bo@example.com", "is_staff": True, "is_superuser": True}
    )
    browser = Client()
    browser.force_login(staff, backend="django.contrib.auth.backends.ModelBackend")
    return browser


def expect_done(answer):
    errors = [str(each) for each in get_messages(answer.wsgi_request) if each.level == ERROR]
    if errors or answer.status_code != 302:
        raise RefusedError(errors or answer.status_code)
