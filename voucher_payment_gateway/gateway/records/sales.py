"""Update a sale only if it is unchanged since it was read (compare-and-set)."""

from typing import Any

from django.utils import timezone

from voucher_payment_gateway.api import CompleteVoucher
from voucher_payment_gateway.exceptions import PaymentStateError
from voucher_payment_gateway.gateway.records.conflicts import ConflictError
from voucher_payment_gateway.gateway.records.people import erased_with
from voucher_payment_gateway.models import VoucherOperation, VoucherPayment, VoucherSale
from voucher_payment_gateway.opaque import strip_traceback
from voucher_payment_gateway.rules.fallback import gives_back
from voucher_payment_gateway.rules.states import OPEN_STATES
from voucher_payment_gateway.sealing import Secret, fingerprint, hint, seal

__all__ = [
    "change_sale",
    "code_fields",
    "confirm_sale",
    "delivered_fields",
    "delivery_fields",
    "is_being_replaced",
    "next_number",
    "note_sale",
    "open_operation",
    "replaced_refunds",
    "sale_of",
    "stored_sale",
    "was_sent",
]


def change_sale(sale: VoucherSale, **changes: Any) -> None:
    """Update the row; raise ConflictError where another writer changed it since it was read.

    With a new end of its validity the recipient may be reminded again. With the end of its delivery people are erased,
    if that was asked for.
    """
    if "valid_until" in changes and changes["valid_until"] != sale.valid_until:
        changes.setdefault("reminded_at", None)
    changes = {"updated_at": timezone.now()} | changes | {"version": sale.version + 1}
    as_read = VoucherSale.current.filter(pk=sale.pk, version=sale.version)
    if as_read.update(**changes | erased_with(sale, changes)) != 1:
        raise ConflictError
    for name, value in changes.items():
        setattr(sale, name, value)


def confirm_sale(sale: VoucherSale, *, version: int) -> None:
    """Count the version on; raise ConflictError unless it is ``version``: of two clicks on one page the first acts."""
    sale.version = version
    change_sale(sale)


def stored_sale(sale: Any) -> VoucherSale:
    """Return the row of a sale that a caller has given, as it is now. Raises PaymentStateError (``sale_malformed``)
    where it is no sale or not stored."""
    pk = sale.pk if isinstance(sale, VoucherSale) else None
    stored: VoucherSale | None = VoucherSale.current.filter(pk=pk).first() if pk else None
    if stored is None:
        raise PaymentStateError("sale: give a stored VoucherSale. Nothing was sent.", code="sale_malformed")
    return stored


def next_number(sale: VoucherSale) -> int:
    """Return the number of the next operation of the sale."""
    numbers = VoucherOperation.current.filter(sale=sale).order_by("-number").values_list("number", flat=True)
    return (numbers.first() or 0) + 1


def was_sent(sale: VoucherSale) -> bool:
    """Return whether the creation of the voucher was ever sent, so that it may exist."""
    return bool(VoucherOperation.current.filter(sale=sale, kind="issue", attempts__gt=0).exists())


def sale_of(operation: VoucherOperation) -> VoucherSale:
    """Return the sale of an operation that has one."""
    if operation.sale is None:
        raise TypeError(f"operation {operation.pk} is of no sale")
    return operation.sale


def open_operation(sale: VoucherSale) -> VoucherOperation | None:
    """Return the operation of the sale that is not decided yet, or is left to a person."""
    operations = VoucherOperation.current.select_related("sale").filter(sale=sale)
    found: VoucherOperation | None = operations.filter(state__in=(*OPEN_STATES, "manual")).first()
    return found


def note_sale(sale: VoucherSale, **facts: Any) -> None:
    """Store what is a fact, whatever the shop has changed meanwhile."""
    while True:
        try:
            return change_sale(sale, **facts)
        except ConflictError:
            sale.refresh_from_db()


def delivered_fields() -> dict[str, Any]:
    """Return the fields of a sale whose code was handed over just now: it is erased here."""
    return {"delivered_at": timezone.now(), "deliver_due_at": None, "delivery_error": "", "sealed_code": ""}


def delivery_fields(sale: VoucherSale) -> dict[str, Any]:
    """Return the fields by which the code of an active sale is due to be handed over, if the gateway does that."""
    now = timezone.now()
    return {"deliver_due_at": max(sale.deliver_at or now, now)} if sale.delivery in ("mail", "signal") else {}


@strip_traceback
def code_fields(voucher: CompleteVoucher) -> dict[str, Any]:
    """Return the fields in which a sale stores the code and PIN of its voucher: sealed, with a fingerprint."""
    secret = Secret(voucher.code or "", voucher.pin or "")
    return {
        "sealed_code": seal(secret),
        "code_hint": hint(secret.code),
        "code_fingerprint": fingerprint(secret.code),
    }


def replaced_refunds(payment: VoucherPayment) -> list[VoucherOperation]:
    """Return the refused refunds of the payment in whose place a new voucher was given, or is about to be."""
    sales = VoucherSale.current.filter(replaces_refund__payment=payment).select_related("replaces_refund")
    return [
        sale.replaces_refund
        for sale in sales
        if gives_back(sale.status, was_active=sale.activated_at is not None)
    ]


def is_being_replaced(payment: VoucherPayment) -> bool:
    """Return whether a new voucher in place of a refund of the payment is not active yet."""
    sales = VoucherSale.current.filter(replaces_refund__payment=payment)
    return bool(sales.filter(status__in=("ordered", "issued")).exists())
