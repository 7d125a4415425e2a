"""Credit: give money of an order back as store credit, whatever the order was paid with."""

from dataclasses import replace
from decimal import Decimal
from functools import partial
from typing import Any

from voucher_payment_gateway.currencies import amount_in
from voucher_payment_gateway.exceptions import (
    CurrencyMismatchError,
    PaymentStateError,
    RefusedError,
    WrongStateError,
)
from voucher_payment_gateway.gateway.records.conflicts import atomic_or_conflict, retry_on_conflict
from voucher_payment_gateway.gateway.records.idempotency import (
    Call,
    check_required_key,
    refuse_reused_key,
    save_key,
)
from voucher_payment_gateway.gateway.records.voucher_ids import voucher_id_for
from voucher_payment_gateway.gateway.verbs.advance import advance_all
from voucher_payment_gateway.gateway.verbs.recharge_once import recharge_once
from voucher_payment_gateway.gateway.verbs.sell import refuse_without_keys
from voucher_payment_gateway.gateway.verbs.write_sales import account_of, new_sale
from voucher_payment_gateway.models import VoucherOperation, VoucherSale
from voucher_payment_gateway.orders import OrderFacts, order_account, order_facts
from voucher_payment_gateway.sold import SoldVoucher, checked_but_key
from voucher_payment_gateway.telemetry import verb

__all__ = ["credit"]

PREFIX = "credit:"
"""In front of the caller's key: one of ``RESERVED_KEYS``."""


@verb
def credit(
    order: Any,
    amount: Decimal | str,
    *,
    key: str,
    sale: VoucherSale | None = None,
    recipient_email: str = "",
    message: str = "",
    actor: str = "",
    reason: str = "",
) -> VoucherSale:
    """Give ``amount`` in the order's currency as store credit: a recharge of the voucher of ``sale``, else a new
    voucher, which is activated and handed over as a sold one. Returns its sale.

    The order may have been paid with anything; its payments are left alone, and nothing is refunded. The amount is not
    limited by the order's total: it may be a gesture of goodwill. Once per order and ``key``: repeated, it gives
    nothing again and returns the same sale. Inside a transaction the money moves after the commit.

    Raises AmountError (malformed, or the key was used with another amount), PaymentStateError (key, recipient, message,
    ``SEALING_KEYS``), WrongStateError (the sale is not active, or of another account), CurrencyMismatchError (it is in
    another currency), OperationInProgressError; nothing was sent. RefusedError: no money moved. After UnavailableError,
    CredentialsError and OutcomeUnknownError ``settle`` goes on with it.
    """
    check_required_key(key)
    facts = replace(order_facts(order), account=order_account(order))
    asked = amount_in(facts.currency, amount)
    call, by = Call("credit", facts.number, key, asked), {"actor": actor, "reason": reason}
    if sale is not None:
        _refuse_other(sale, facts)
        operation = recharge_once(sale, asked, lambda _: call, **by)
        credited: VoucherSale = VoucherSale.current.get(pk=operation.sale_id)
        return credited
    given = SoldVoucher(PREFIX + key, asked, recipient_email=recipient_email, message=message)
    voucher = checked_but_key(given, facts.currency)
    refuse_without_keys()
    by = {"actor": actor[:150], "reason": reason[:255]}
    new = retry_on_conflict(partial(_write_once, call, facts, voucher, by))
    advance_all([new])
    return _as_it_is_now(new)


def _refuse_other(sale: Any, facts: OrderFacts) -> None:
    """Raise where the voucher of ``sale`` cannot take money of this order."""
    if not isinstance(sale, VoucherSale) or sale.pk is None:
        raise PaymentStateError("sale: give a stored VoucherSale. Nothing was sent.", code="sale_malformed")
    if sale.currency != facts.currency:
        raise CurrencyMismatchError(
            f"order {facts.number} is in {facts.currency}, the gift voucher …{sale.code_hint} in {sale.currency}. "
            "Nothing was sent."
        )
    if facts.account not in (None, sale.account):
        raise WrongStateError(
            f"order {facts.number}: the gift voucher …{sale.code_hint} is of another account. Nothing was sent.",
            code="order_account_changed",
        )


def _write_once(call: Call, facts: OrderFacts, voucher: SoldVoucher, by: dict[str, str]) -> VoucherSale:
    known = call.find()
    if known is None:
        account = account_of(facts)
        voucher_id = voucher_id_for(account, facts.number, voucher.key)
        given = {**by, "account": account, "voucher_id": voucher_id, "origin": "credit"}
        with atomic_or_conflict():
            save_key(call.new_row())
            return new_sale(facts, voucher, "active", given)
    sales = VoucherSale.current.filter(order_number=facts.number, key=voucher.key)
    found: VoucherSale | None = sales.order_by("-pk").first()
    if found is None or VoucherOperation.current.filter(idempotency_key=known).exists():
        refuse_reused_key(known, "voucher")
    return found


def _as_it_is_now(sale: VoucherSale) -> VoucherSale:
    now: VoucherSale = VoucherSale.current.get(pk=sale.pk)
    if now.status == "failed":
        raise RefusedError(
            f"order {now.order_number}: the Voucher Cloud created no gift voucher. No money moved.",
            code="voucher_not_created",
        )
    return now
