"""What the vouchers of a placed order can still be charged, and what can go back to them."""

from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from voucher_payment_gateway import gateway
from voucher_payment_gateway.exceptions import WrongStateError
from voucher_payment_gateway.hosts.oscar.conf import oscar_settings
from voucher_payment_gateway.models import VoucherOperation, VoucherPayment
from voucher_payment_gateway.money import ZERO
from voucher_payment_gateway.rules.cover import outstanding, unpaid
from voucher_payment_gateway.rules.states import GIVES_BACK
from voucher_payment_gateway.rules.verdicts import counts_as_refunded

__all__ = ["VoucherFigures", "paid_otherwise", "refuse_unpaid", "voucher_figures"]


@dataclass(frozen=True)
class VoucherFigures:
    """In units of the order's currency."""

    chargeable: Decimal
    """Held or agreed, not charged yet, and needed by the order as it is now."""
    refundable: Decimal
    """Charged, and not on its way back."""


def voucher_figures(order: Any) -> VoucherFigures:
    """Return the figures of the order as it is stored."""
    payments = _payments(order)
    cover = gateway.cover(type(order)._default_manager.get(pk=order.pk))
    left = sum((outstanding(each) - each.open_charge for each in payments), ZERO)
    charged = sum((each.amount_captured for each in payments), ZERO)
    in_flight = sum((each.open_charge for each in payments), ZERO)
    needed = max(cover.total - charged - in_flight, ZERO)
    return VoucherFigures(min(left, needed), max(charged - _given_back(order), ZERO))


def refuse_unpaid(order: Any) -> None:
    """Raise WrongStateError (``not_paid``) where a voucher that was confirmed cannot be charged any more, and neither
    another one nor another payment source of the order has taken its place."""
    missing = sum(map(unpaid, _payments(order)), ZERO)
    if missing == ZERO:
        return
    due = gateway.cover(type(order)._default_manager.get(pk=order.pk)).due
    if due > paid_otherwise(order):
        raise WrongStateError(
            f"order {order.number} is not paid: {missing} that its gift vouchers were to pay cannot be charged any "
            "more. Once it is paid another way, take the failed voucher off the order. Nothing was charged.",
            code="not_paid",
        )


def paid_otherwise(order: Any) -> Decimal:
    """Return what the other payment sources of the order hold or have kept."""
    others = order.sources.exclude(source_type__name=oscar_settings().SOURCE_TYPE)
    paid = [max(each.amount_allocated, each.amount_debited) - each.amount_refunded for each in others]
    return sum(paid, ZERO)


def _payments(order: Any) -> list[VoucherPayment]:
    payments = VoucherPayment.current.with_open_charge().filter(order_number=order.number)
    return list(payments.exclude(status="cancelled", amount_captured=ZERO).order_by("pk"))


def _given_back(order: Any) -> Decimal:
    """Return what went back, is on its way, or is left to a person."""
    operations = VoucherOperation.current.of_payments(order_number=order.number).filter(kind__in=GIVES_BACK)
    refunds = [each for each in operations if counts_as_refunded(each.state)]
    return sum((each.amount for each in refunds), ZERO)
