"""Sell vouchers: issue them with the order, activate them once it is paid."""

from typing import Any

from django.db import Error, transaction
from django.db.models import Model
from django.utils import timezone

from voucher_payment_gateway.conf import gateway_settings
from voucher_payment_gateway.exceptions import PaymentStateError, VoucherGatewayError, WrongStateError
from voucher_payment_gateway.gateway.records.conflicts import (
    ConflictError,
    database,
    in_transaction,
    retry_on_conflict,
)
from voucher_payment_gateway.gateway.records.idempotency import check_key
from voucher_payment_gateway.gateway.records.line_keys import SoldLines
from voucher_payment_gateway.gateway.records.order_view import read_order
from voucher_payment_gateway.gateway.records.reused_number import refuse_number_of_earlier_sales
from voucher_payment_gateway.gateway.records.sales import change_sale
from voucher_payment_gateway.gateway.verbs.advance import advance_all
from voucher_payment_gateway.gateway.verbs.called_off import is_paid, may_be_followed, sold_by
from voucher_payment_gateway.gateway.verbs.changed_lines import report_changed_lines, report_returned
from voucher_payment_gateway.gateway.verbs.write_sales import write_sales
from voucher_payment_gateway.log_events import SaleEvents
from voucher_payment_gateway.models import VoucherSale
from voucher_payment_gateway.money import ZERO
from voucher_payment_gateway.order_lookup import find_order
from voucher_payment_gateway.orders import (
    OrderFacts,
    known_number,
    order_created_at,
    payable_facts,
)
from voucher_payment_gateway.rules.cover import outstanding, unpaid
from voucher_payment_gateway.rules.sales import SaleTarget
from voucher_payment_gateway.sold import SoldVoucher
from voucher_payment_gateway.telemetry import verb

__all__ = ["activate", "issue", "refuse_without_keys", "sales_of"]


@verb
def issue(order: Any, *, key: str = "", actor: str = "", reason: str = "") -> list[VoucherSale]:
    """Create the vouchers that ``SOLD_VOUCHERS`` names for the order: inactive, each under an id of our own.

    Returns the sales of the order; nothing is done for an order that sells no voucher. Safe to repeat: each voucher has
    a key of the shop's own, unique per order. Inside a transaction the sales are written with it, and the vouchers are
    created after its commit. What is not issued any more, or for another amount, is taken back unless it is active.

    Raises AmountError and PaymentStateError for a voucher that cannot be sold, RefusedError where the Voucher Cloud
    creates none; UnavailableError, CredentialsError and OutcomeUnknownError where ``settle`` goes on with it.
    """
    return _sell(order, "issued", key=key, actor=actor, reason=reason)


@verb
def activate(order: Any, *, key: str = "", actor: str = "", reason: str = "") -> list[VoucherSale]:
    """Activate the vouchers that a paid order sells, and hand each code over once; issue first what is not issued.

    Safe to repeat: a voucher that is active, or was taken back, is left alone, also where the order was taken back
    before its sale was written. One that was not paid then is sold once the stored order is paid. Also raises
    WrongStateError (``not_paid``) where ``ORDER_IS_PAID`` denies it, or vouchers that pay for these were not charged
    yet; nothing was activated then. Else as ``issue``.
    """
    return _sell(order, "active", key=key, actor=actor, reason=reason)


def sales_of(order: Any) -> list[VoucherSale]:
    """Return the sales that stand for what the order sold, oldest first; not those of an earlier order that had the
    same number. Raises PaymentStateError where it is no order."""
    number = known_number(order)
    return list(VoucherSale.current.of_order(number, order_created_at(order)).standing()) if number else []


def _sell(order: Any, wanted: SaleTarget, *, key: str, actor: str, reason: str) -> list[VoucherSale]:
    check_key(key)
    order = _stored(order)
    if order is None:
        return []
    sold = sold_by(order)
    _sell_again_if_changed(order, sold, wanted, actor=actor, reason=reason)
    if not sold and not sales_of(order):
        return []
    facts = payable_facts(order)
    refuse_number_of_earlier_sales(facts.number, facts.created_at)
    refuse_without_keys()
    if wanted == "active" and _is_something_left(order, sold):
        _refuse_unpaid(order, facts, sold)
    by = {"actor": actor[:150], "reason": reason[:255]}
    sales = retry_on_conflict(lambda: write_sales(facts, sold, wanted, by))
    report_returned(sales)
    if wanted == "active":
        report_changed_lines(sales_of(order), sold, facts.currency)
    advance_all(sales)
    return list(VoucherSale.current.filter(pk__in=[sale.pk for sale in sales if not _is_left(sale)]))


def _is_something_left(order: Any, sold: list[SoldVoucher]) -> bool:
    """Return whether a voucher is not activated yet: an event that comes again for an order that was refunded since is
    no mistake."""
    known = SoldLines(VoucherSale.current.of_order(known_number(order), order_created_at(order)), sold)
    found = [known.sale_of(voucher) for voucher in sold]
    return any(sale is None or sale.target == "issued" or may_be_followed(sale) for sale in found)


def _sell_again_if_changed(order: Any, sold: list[SoldVoucher], wanted: SaleTarget, **by: str) -> None:
    """Inside a transaction, look at the order again after the commit: Django's admin saves an order before its lines,
    and an order that is paid at the event may not be so at the commit.

    It comes before anything is sent, since hooks run in the order in which they were registered. Errors are logged.
    """
    if not gateway_settings().SOLD_VOUCHERS or not in_transaction():
        return
    number = known_number(order)

    def sell_committed() -> None:
        committed = find_order(number)
        try:
            if committed is not None and wanted == "active" and not is_paid(committed):
                _wait_for_payment(number)
            elif committed is not None and sold_by(committed) != sold:
                _sell(committed, wanted, key="", **by)
        except (VoucherGatewayError, ConflictError, Error) as error:
            reason = getattr(error, "code", type(error).__name__)
            SaleEvents.sold_vouchers_not_changed.log(order_number=number, error_code=reason)

    transaction.on_commit(sell_committed, using=database(), robust=True)


def _wait_for_payment(number: str) -> None:
    """Let the vouchers of an order wait for its payment that is not paid as it was committed; one of which an
    activation was written before is left alone."""
    waiting = VoucherSale.current.of_order(number).filter(origin="sold", target="active")
    for sale in waiting.filter(status__in=("ordered", "issued")).exclude(operations__kind="activate"):
        change_sale(sale, target="issued", due_at=timezone.now())
        SaleEvents.sale_waits_for_payment.log(order_number=number, sale=sale.pk)


def _stored(order: Any) -> Any:
    """Return the shop's order, for facts the stored one or None. Raises PaymentStateError where it is no order, or not
    saved: the shop's code could not say what it sells."""
    number = known_number(order)
    if isinstance(order, OrderFacts):
        return find_order(number)
    if isinstance(order, Model) and (order.pk is None or order._state.adding):
        raise PaymentStateError(
            f"order: {number or 'it'} is not saved: save it before its gift vouchers are issued. Nothing was sent.",
            code="order_unsaved",
        )
    return order


def _is_left(sale: VoucherSale) -> bool:
    return sale.end_reason == "replaced"


def refuse_without_keys() -> None:
    """Raise PaymentStateError where no code can be stored until it is handed over."""
    if not gateway_settings().SEALING_KEYS:
        raise PaymentStateError(
            "SEALING_KEYS: set it before vouchers are sold: the code of one is stored until it is handed over. "
            "Nothing was sent.",
            code="sealing_keys_missing",
        )


def _refuse_unpaid(order: Any, facts: OrderFacts, sold: list[SoldVoucher]) -> None:
    """Raise WrongStateError unless the shop says that the order is paid, and what its vouchers still promise, or have
    promised in vain, is not what pays for these."""
    if not is_paid(order):
        raise _not_paid(facts.number, "ORDER_IS_PAID says that it is not paid")
    payments = read_order(facts.number).payments
    promised = sum((max(outstanding(payment), unpaid(payment)) for payment in payments), ZERO)
    worth = sum((voucher.amount for voucher in sold), ZERO)
    if promised and facts.total - promised < min(worth, facts.total):
        raise _not_paid(facts.number, "vouchers pay for these and were not charged yet: capture them first")


def _not_paid(number: str, why: str) -> WrongStateError:
    return WrongStateError(
        f"order {number}: {why}. Its gift vouchers were not activated. Nothing was sent.", code="not_paid"
    )
