"""Vouchers that are issued in bulk, without an order: their codes go into a file."""

from collections.abc import Callable
from typing import Any

from django.utils import timezone

from voucher_payment_gateway.exceptions import AmountError, WrongStateError
from voucher_payment_gateway.gateway.records.conflicts import (
    atomic_or_conflict,
    refuse_open_transaction,
    retry_on_conflict,
)
from voucher_payment_gateway.gateway.records.sales import change_sale, delivered_fields, note_sale
from voucher_payment_gateway.gateway.records.voucher_ids import voucher_id_for
from voucher_payment_gateway.gateway.verbs.advance import advance
from voucher_payment_gateway.gateway.verbs.sell import refuse_without_keys
from voucher_payment_gateway.gateway.verbs.write_sales import sold_fields
from voucher_payment_gateway.models import VoucherSale
from voucher_payment_gateway.opaque import strip_traceback
from voucher_payment_gateway.rules.sales import ENDED_SALES, SaleTarget, target_after
from voucher_payment_gateway.sealing import Secret, unseal
from voucher_payment_gateway.sold import SoldVoucher

__all__ = ["hand_to", "issue_in_bulk"]


def issue_in_bulk(
    batch: str, sold: SoldVoucher, currency: str, *, wanted: SaleTarget, account: str = "", actor: str = ""
) -> VoucherSale:
    """Issue one voucher under ``sold.key``, unique in the ``batch``, whose name is sent as its order number.

    Returns the sale. Safe to repeat after any crash. Raises AmountError where the key stands for a voucher of another
    amount, WrongStateError where it is one that an order sold, the errors of ``issue`` and ``activate``, and
    TransactionManagementError inside a transaction: the code could not be written to a file before the commit.
    """
    refuse_open_transaction()
    refuse_without_keys()
    given = {"currency": currency, "account": account, "target": wanted, "actor": actor[:150]}
    sale = retry_on_conflict(lambda: _written(batch, sold, given))
    if sale.due_at is not None:
        advance(sale)
    sale.refresh_from_db()
    return sale


def _written(batch: str, sold: SoldVoucher, given: dict[str, Any]) -> VoucherSale:
    """Return the sale with this key, with its new target; a new one where there is none."""
    rows = VoucherSale.current.of_order(batch).standing()
    sale: VoucherSale | None = rows.filter(key=sold.key).first()
    if sale is None:
        fields = {**sold_fields(sold), **given, "delivery": "none", "origin": "bulk"}
        fields["voucher_id"] = voucher_id_for(given["account"], batch, sold.key)
        sale = VoucherSale(order_number=batch, due_at=timezone.now(), **fields)
        with atomic_or_conflict():
            sale.save(force_insert=True)
        return sale
    _refuse_other(sale, sold, given)
    target = target_after(sale.target, given["target"])
    if sale.status not in (target, *ENDED_SALES):
        change_sale(sale, target=target, due_at=timezone.now())
    return sale


def _refuse_other(sale: VoucherSale, sold: SoldVoucher, given: dict[str, Any]) -> None:
    """Raise where the key stands for another voucher than the one that is asked for."""
    if sale.origin != "bulk":
        raise WrongStateError(
            f"batch: {sale.order_number} is the number of an order that sold vouchers: give another name. Nothing "
            "was sent.",
            code="key_reused",
        )
    if (sale.amount, sale.currency, sale.account) != (sold.amount, given["currency"], given["account"]):
        raise AmountError(
            f"key: {sale.key} of the batch {sale.order_number} is a voucher of {sale.amount} {sale.currency}: give "
            "each voucher a key of its own. Nothing was sent.",
            code="key_reused",
        )


@strip_traceback
def hand_to(sale: VoucherSale, write: Callable[[VoucherSale, Secret], None]) -> bool:
    """Give the code of an issued sale to ``write``, then note that it was handed over and erase it; return whether
    there was one. A crash between the two leaves it stored: ``write`` must recognise a sale that it has."""
    secret = unseal(sale.sealed_code)
    if secret is None:
        return False
    write(sale, secret)
    # K27: the code is in the file, not noted
    note_sale(sale, **delivered_fields())
    return True
