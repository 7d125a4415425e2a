"""Write down that an order was taken back, also for the vouchers that it sells and of which no sale is written yet.

A worker may have been frozen before it wrote them, or an event may come late: it finds their keys taken, and sells
nothing. Of two workers at the same moment the unique key of the sales decides.
"""

from collections.abc import Callable
from typing import Any

import django.db
from django.utils import timezone

from voucher_payment_gateway.exceptions import WrongStateError
from voucher_payment_gateway.gateway.records.conflicts import atomic_or_conflict, retry_on_conflict
from voucher_payment_gateway.gateway.records.line_keys import SoldLines, keys_of_other_origins
from voucher_payment_gateway.gateway.records.reused_number import refuse_number_of_earlier_sales
from voucher_payment_gateway.gateway.records.sales import change_sale
from voucher_payment_gateway.gateway.records.voucher_ids import voucher_ids_for
from voucher_payment_gateway.gateway.verbs.called_off import may_be_followed, sold_by
from voucher_payment_gateway.gateway.verbs.write_sales import account_of
from voucher_payment_gateway.log_events import SaleEvents
from voucher_payment_gateway.models import VoucherSale
from voucher_payment_gateway.order_lookup import find_order
from voucher_payment_gateway.orders import OrderFacts, known_number, payable_facts
from voucher_payment_gateway.rules.sales import end_of_unwritten
from voucher_payment_gateway.sold import SoldVoucher

__all__ = ["note_return"]


def note_return(order: Any, told_unpaid: Callable[[], bool], by: dict[str, str]) -> None:
    """Write a sale that is to be taken back for each voucher that the order sells and that has none.

    Nothing is written for an order that sells none. Where the shop's code cannot say what it sells, that is logged: the
    sales that are written are taken back all the same.
    """
    number = known_number(order)
    try:
        stored = find_order(number) if isinstance(order, OrderFacts) else order
        sold = [] if stored is None else sold_by(stored)
        facts = payable_facts(stored) if sold else None
        account = account_of(facts) if facts else ""
    except django.db.Error:
        raise
    except Exception as error:  # of the shop's code, or about what it returned
        code = getattr(error, "code", type(error).__name__)
        SaleEvents.sold_vouchers_unknown.log(order_number=number, error_code=code)
        return
    if facts is None or _is_number_reused(facts):
        return
    retry_on_conflict(lambda: _write_missing(facts, sold, told_unpaid, {**by, "account": account}))


def _is_number_reused(facts: OrderFacts) -> bool:
    """Return whether nothing is sold under this number, since an earlier order had it."""
    try:
        refuse_number_of_earlier_sales(facts.number, facts.created_at)
    except WrongStateError:
        return True
    return False


def _write_missing(
    facts: OrderFacts, sold: list[SoldVoucher], told_unpaid: Callable[[], bool], given: dict[str, str]
) -> None:
    """Write them in one transaction; raise ConflictError where one of them is being sold just now.

    An order with a sale of its own lacks only those that were given up: another voucher that is not among them has
    replaced one of them, and may be sold later. One that was written here before ends as it is told now. Where the
    order was only cancelled again, those that were given up are enough: a worker that sells one has a conflict.
    """
    rows = VoucherSale.current.of_order(facts.number, facts.created_at).filter(origin="sold")
    lines = SoldLines(rows, sold)
    given_up = {each.key: sale for each in sold if (sale := lines.given_up_of(each))}
    before = [sale for sale in lines.known.values() if may_be_followed(sale)]
    missing = [each for each in sold if each.key in given_up or not lines.known]
    if not missing and not before:
        return
    end_reason = end_of_unwritten(told_unpaid=told_unpaid())
    if not end_reason:
        missing = [each for each in missing if each.key not in given_up]
    missing = [lines.under_its_key(each) for each in missing]
    others = keys_of_other_origins(facts.number, missing)
    missing = [each for each in missing if each.key not in others]
    ids = voucher_ids_for(given["account"], facts.number, [voucher.key for voucher in missing])
    new = [
        _unwritten(facts, each, voucher_id=ids[each.key], end_reason=end_reason, **given) for each in missing
    ]
    with atomic_or_conflict():
        for sale in given_up.values():
            change_sale(sale)
        for sale in before:  # also where it stays: a worker that sells it now has a conflict
            change_sale(sale, end_reason=end_reason)
        VoucherSale.current.bulk_create(new)


def _unwritten(facts: OrderFacts, voucher: SoldVoucher, **given: str) -> VoucherSale:
    """Return a sale that ends before anything is sent. It has no recipient: nothing is delivered."""
    return VoucherSale(
        order_number=facts.number,
        key=voucher.key,
        amount=voucher.amount,
        currency=facts.currency,
        target="taken_back",
        delivery="none",
        due_at=timezone.now(),
        **given,
    )
