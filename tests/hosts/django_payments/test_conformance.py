"""A shop on django-payments conforms: a row of its own for each means of payment, and every step is a request to one of
the shop's pages. To enter a gift voucher is to pay with it, so its row is preauthorized before the rest is paid."""

import secrets
from decimal import Decimal
from typing import ClassVar

import pytest
from django.db import transaction
from django.test import Client
from django.urls import reverse

from tests.hosts.django_payments.models import Order, Payment
from voucher_payment_gateway.models import VoucherPayment
from voucher_payment_gateway.testing import VoucherConformance

ZERO = Decimal("0.00")
PAID = ("preauth", "confirmed")
IS_PLACED = (
    "a row that a gift voucher has preauthorized is paid: the shop counts on it until it releases the row"
)
CARD = {"fraud_status": "unknown", "gateway_response": "3ds-disabled"}


class RefusedError(Exception):
    """The shop has answered that it does not do this."""


@pytest.fixture(autouse=True)
def the_shop_takes_cards(settings):
    """The host's own provider for tests is the card."""
    card = {"card": ("payments.dummy.DummyProvider", {})}
    settings.PAYMENT_VARIANTS = {**settings.PAYMENT_VARIANTS, **card}


def rows(order, variant):
    return Payment.objects.filter(order=order, variant=variant).order_by("pk")


def kept(row):
    """Return what the row holds, or has charged and not given back."""
    return {"preauth": row.total, "confirmed": row.captured_amount}.get(row.status, ZERO)


def staff(row, verb, **fields):
    answer = Client().post(reverse("staff", args=[row.pk, verb]), fields)
    if answer.status_code != 200:
        raise RefusedError(answer.text)


class TestTheShopOnDjangoPayments(VoucherConformance):
    cannot: ClassVar = {
        "ship_part": "django-payments charges a row once, and lets go of what a partial capture leaves",
        "an_abandoned_checkout_lets_the_voucher_go": IS_PLACED,
        "a_declined_order_leaves_the_voucher_to_the_next_one": IS_PLACED,
    }

    def make_order(self, total):
        return Order.objects.create(number=f"C-{secrets.token_hex(4)}", total=total)

    def enter_voucher(self, order, code, pin=""):
        due = self.due_of(order)
        if due == ZERO:
            raise RefusedError("nothing is due")
        row = rows(order, "voucher").filter(status="waiting").first() or self.new_row(order, "voucher", due)
        answer = Client().post(reverse("pay", args=[row.pk]), {"code": code, "pin": pin})
        if answer.status_code != 302:
            raise RefusedError(answer.text)

    def remove_voucher(self, order, code):
        paid = rows(order, "voucher").filter(status="preauth")
        (row,) = [row for row in paid if self.payments_of(row).filter(code_hint=code[-4:]).exists()]
        staff(row, "release")

    def confirm(self, order):
        self.pay_by_card(order, "preauth")

    def confirm_declined(self, order):
        self.pay_by_card(order, "rejected")

    def pay_by_card(self, order, status):
        due = self.due_of(order) - self.paid_otherwise(order)
        if due > ZERO:
            row = self.new_row(order, "card", due)
            answer = Client().post(reverse("pay", args=[row.pk]), {**CARD, "status": status})
            if answer.status_code != 302 or answer.headers["Location"] != row.get_success_url():
                raise RefusedError(f"the card was {status}")

    def ship(self, order):
        """Charge each row, the vouchers first, and no more than the order costs now."""
        left = self.reload(order).total
        for variant in ("voucher", "card"):
            for row in rows(order, variant).filter(status__in=PAID):
                amount = min(kept(row), left)
                if row.status == "preauth":
                    staff(row, "capture", amount=amount)
                left -= amount

    def return_goods(self, order):
        paid = [row for variant in ("voucher", "card") for row in rows(order, variant) if row.captured_amount]
        if not paid:
            raise RefusedError("nothing was charged")
        for row in paid:
            staff(row, "refund")

    def return_part(self, order, amount):
        charged = rows(order, "voucher").filter(status="confirmed").reverse()
        if amount > sum(row.captured_amount for row in charged):
            raise RefusedError("that much was not charged")
        for row in charged:
            part = min(row.captured_amount, amount)
            if part:
                staff(row, "refund", amount=part)
            amount -= part

    def cancel(self, order):
        verbs = {"waiting": "cancel", "input": "cancel", "preauth": "release", "confirmed": "refund"}
        for row in Payment.objects.filter(order=order, status__in=verbs):
            staff(row, verbs[row.status])

    def change_total(self, order, total):
        Order.objects.filter(pk=order.pk).update(total=total)

    def delete(self, order):
        with transaction.atomic():
            for row in Payment.objects.filter(order=order):
                row.delete()
            self.reload(order).delete()

    def number_of(self, order):
        row = rows(order, "voucher").first()
        return f"payment-{row.pk}" if row else ""

    def due_of(self, order):
        held = sum((kept(row) for row in rows(order, "voucher")), ZERO)
        return max(self.reload(order).total - held, ZERO)

    def paid_otherwise(self, order):
        return sum((row.total for row in rows(order, "card").filter(status__in=PAID)), ZERO)

    def voucher_fields(self, order):
        stored = Payment.objects.filter(order=order).values()
        return {f"{name} of row {row['id']}": value for row in stored for name, value in row.items()}

    def new_row(self, order, variant, total):
        address = {"customer_ip_address": self.address}
        return Payment.objects.create(order=order, variant=variant, total=total, currency="EUR", **address)

    def payments_of(self, row):
        return VoucherPayment.objects.filter(order_number=f"payment-{row.pk}")
