"""Write down which vouchers an order sells: a sale for each that has none, and what is wanted of the others."""

from typing import Any

from django.utils import timezone

from voucher_payment_gateway.gateway.records.conflicts import atomic_or_conflict
from voucher_payment_gateway.gateway.records.line_keys import (
    SoldLines,
    refuse_changed_keys,
    refuse_other_origins,
)
from voucher_payment_gateway.gateway.records.sales import change_sale
from voucher_payment_gateway.gateway.records.voucher_ids import voucher_ids_for
from voucher_payment_gateway.gateway.verbs.called_off import may_be_followed, still_sold
from voucher_payment_gateway.gateway.verbs.correct import corrections, delivery_of
from voucher_payment_gateway.models import VoucherSale
from voucher_payment_gateway.order_lookup import account_by_number
from voucher_payment_gateway.orders import OrderFacts
from voucher_payment_gateway.rules.sales import ENDED_SALES, SaleTarget, target_after
from voucher_payment_gateway.sold import SoldVoucher

__all__ = ["account_of", "new_sale", "sold_fields", "write_sales"]


def write_sales(
    facts: OrderFacts, sold: list[SoldVoucher], wanted: SaleTarget, by: dict[str, str]
) -> list[VoucherSale]:
    """Store what is wanted: a row for each voucher that has none, and the target of the others.

    All is read before the transaction: on SQLite one that has read cannot wait for the lock to write.
    """
    rows = list(VoucherSale.current.of_order(facts.number, facts.created_at).filter(origin="sold"))
    lines = SoldLines(rows, sold)
    kept = {each.key: sale for each in sold if (sale := _still_standing(lines, each, facts))}
    is_open = {key for key, sale in kept.items() if wanted == "active" and may_be_followed(sale)}
    new = [voucher for voucher in sold if voucher.key not in kept or voucher.key in is_open]
    new = still_sold(facts.number, new, lines, rows, wanted)
    followed = [sale for each in new if (sale := kept.pop(each.key, None) or lines.given_up_of(each))]
    staying = {sale.pk for sale in kept.values()}
    left = [sale for sale in lines.known.values() if sale.pk not in staying]
    account = account_of(facts) if new else ""
    if new:
        refuse_changed_keys(left)
    corrected = [(kept[each.key], corrections(kept[each.key], each)) for each in sold if each.key in kept]
    new = [lines.under_its_key(voucher) for voucher in new]
    refuse_other_origins(facts.number, new)
    ids = voucher_ids_for(account, facts.number, [voucher.key for voucher in new])
    with atomic_or_conflict():
        for sale in followed:
            change_sale(sale, end_reason="unpaid")
        for sale in filter(may_be_followed, lines.not_wanted() if new or kept else ()):
            change_sale(sale, end_reason="replaced")
        sales = [_take_off(sale) for sale in left if _is_unsold(sale)]
        sales += [_want(sale, wanted, changes) for sale, changes in corrected]
        for voucher in new:
            given = {"account": account, "voucher_id": ids[voucher.key]}
            sales.append(new_sale(facts, voucher, wanted, {**by, **given}))
    return sales


def account_of(facts: OrderFacts) -> str:
    return account_by_number(facts.number) if facts.account is None else facts.account


def _is_unsold(sale: VoucherSale) -> bool:
    """Return whether the voucher is not active yet: the order may still change. An activation that is under way is
    undone by what follows, before the code is handed over."""
    return sale.status in ("ordered", "issued") and sale.target != "taken_back"


def _still_standing(lines: SoldLines, voucher: SoldVoucher, facts: OrderFacts) -> VoucherSale | None:
    """Return the sale that the order asks for, if there is one: not where the amount has changed before its
    payment."""
    sale = lines.sale_of(voucher)
    if sale is None or not _is_unsold(sale):
        return sale
    return sale if (sale.amount, sale.currency) == (voucher.amount, facts.currency) else None


def _take_off(sale: VoucherSale) -> VoucherSale:
    changes = {"target": "taken_back", "end_reason": "replaced", "due_at": timezone.now()}
    change_sale(sale, **changes)
    return sale


def _want(sale: VoucherSale, wanted: SaleTarget, changes: dict[str, Any]) -> VoucherSale:
    target = target_after(sale.target, wanted)
    if sale.status not in ENDED_SALES and sale.status != target:
        changes |= {"target": target, "due_at": timezone.now()}
    if changes:
        change_sale(sale, **changes)
    return sale


def new_sale(
    facts: OrderFacts, voucher: SoldVoucher, wanted: SaleTarget, given: dict[str, str]
) -> VoucherSale:
    """Write the sale of a voucher for an order, due to be brought to the status that is wanted. ``given``: its account
    and voucher id, actor and reason, and its origin where it is not sold."""
    sale = VoucherSale(
        order_number=facts.number,
        currency=facts.currency,
        target=wanted,
        due_at=timezone.now(),
        **sold_fields(voucher),
        **given,
    )
    sale.save(force_insert=True)
    return sale


def sold_fields(voucher: SoldVoucher) -> dict[str, Any]:
    """Return the fields of a sale that the shop gives."""
    names = (
        *("key", "amount", "recipient_email", "recipient_name", "message", "deliver_at", "language"),
        *("sku", "batch", "validity_value", "validity_interval", "taxable", "tax_rate"),
    )
    return {name: getattr(voucher, name) for name in names} | {"delivery": delivery_of(voucher)}
