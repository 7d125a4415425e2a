"""The payment of an order with one code: found, created, ended, and shown on the order of the shop."""

from collections.abc import Collection
from typing import Any

from voucher_payment_gateway.gateway.holds.codes import sealed_fields
from voucher_payment_gateway.gateway.records.conflicts import atomic_or_conflict
from voucher_payment_gateway.gateway.records.order_view import OrderView
from voucher_payment_gateway.gateway.records.payments import change_payment
from voucher_payment_gateway.models import VoucherPayment
from voucher_payment_gateway.order_lookup import find_order, note_reservation
from voucher_payment_gateway.orders import OrderFacts
from voucher_payment_gateway.rules.cover import is_unpaid
from voucher_payment_gateway.sealing import Secret, hint

__all__ = ["end_former", "link_to_row", "new_payment", "own_payment", "show_on"]


def own_payment(
    view: OrderView, codes: Collection[str], facts: OrderFacts
) -> tuple[VoucherPayment | None, str]:
    """Return the payment of the order with the code of these fingerprints, if there is one to go on with, and the
    account of the voucher."""
    payment = view.live_payment(codes)
    if payment and (facts.account in (None, payment.account) or not _is_spent(payment)):
        return payment, payment.account
    return None, view.account_for(facts)


def end_former(view: OrderView, account: str) -> None:
    """End what lapsed of accounts that the order had before: its code or voucher id may be that of another one now."""
    for payment in view.payments:
        if payment.account != account and _is_spent(payment):
            change_payment(payment, status="failed" if is_unpaid(payment) else "cancelled")


def _is_spent(payment: VoucherPayment) -> bool:
    """Return whether the payment can pay nothing any more, although it did not fail."""
    return payment.status == "lapsed" and not payment.sealed_code and not payment.has_open_operation


def new_payment(facts: OrderFacts, secret: Secret, account: str) -> VoucherPayment:
    """Return a payment of ``facts`` with a voucher of ``account``, not saved yet."""
    return VoucherPayment(
        order_number=facts.number,
        account=account,
        has_order_row=facts.is_stored,
        currency=facts.currency,
        status="selected",
        code_hint=hint(secret.code),
        **sealed_fields(secret),
    )


def link_to_row(view: OrderView, facts: OrderFacts) -> None:
    """Note that the order has a row by now, although its vouchers were entered before it had one: ``reconcile`` tells
    where such a row is gone, and the row gets its reservation ids."""
    unlinked = [payment for payment in view.payments if not payment.has_order_row]
    if not facts.is_stored or not unlinked:
        return
    noted = getattr(find_order(view.order_number), "voucher_reservation_ids", [])
    for payment in unlinked:
        is_new = payment.status == "authorized" and payment.reservation_id not in noted
        rows = VoucherPayment.current.filter(pk=payment.pk, has_order_row=False)
        with atomic_or_conflict():  # a crash in between would leave the row without its id for good
            if rows.update(has_order_row=True) and is_new:
                note_reservation(view.order_number, payment.reservation_id)


def show_on(order: Any, payment: VoucherPayment) -> None:
    """Show the reservation id, now stored in the order's row, on the order object that the shop passed."""
    ids = getattr(order, "voucher_reservation_ids", None)
    if not isinstance(ids, list) or not payment.reservation_id or payment.reservation_id in ids:
        return
    if payment.replaced_reservation_id in ids:
        ids[ids.index(payment.replaced_reservation_id)] = payment.reservation_id
    else:
        ids.append(payment.reservation_id)
