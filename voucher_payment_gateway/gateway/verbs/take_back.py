"""Take back the vouchers of a returned order: deactivate and delete them, unless they were spent."""

from typing import Any

from django.utils import timezone
from django.utils.module_loading import import_string

from voucher_payment_gateway.api import Charge
from voucher_payment_gateway.conf import gateway_settings
from voucher_payment_gateway.exceptions import ContractError, RefusedError, WrongStateError
from voucher_payment_gateway.gateway.operations.deactivate import spent_error
from voucher_payment_gateway.gateway.records.bookings import bookings_of
from voucher_payment_gateway.gateway.records.conflicts import atomic_or_conflict, retry_on_conflict
from voucher_payment_gateway.gateway.records.idempotency import check_key
from voucher_payment_gateway.gateway.records.order_view import is_competing
from voucher_payment_gateway.gateway.records.sales import change_sale, open_operation, stored_sale
from voucher_payment_gateway.gateway.records.vouchers import voucher_of
from voucher_payment_gateway.gateway.verbs.advance import advance_all
from voucher_payment_gateway.gateway.verbs.sell import sales_of
from voucher_payment_gateway.models import VoucherPayment, VoucherSale
from voucher_payment_gateway.money import ZERO
from voucher_payment_gateway.order_lookup import find_order
from voucher_payment_gateway.orders import OrderFacts, has_status
from voucher_payment_gateway.rules.sales import ENDED_SALES, spent_amount

__all__ = ["take_back"]


def take_back(order: Any, *, key: str = "", actor: str = "", reason: str = "") -> list[VoucherSale]:
    """Deactivate and delete the unspent vouchers that the order sold, or a single sale given in place of the order.

    Returns these sales; nothing is done for an order that sold none, nor for one that was taken back before. Vouchers
    that were given for the order, such as store credit, are taken back only where they are given themselves. A spent
    voucher stays valid and raises RefusedError (``voucher_spent``), which says what was spent; one that pays for
    another order raises WrongStateError (``voucher_in_use``), and so does one that was topped up since
    (``voucher_topped_up``): that money is not of this order. Give such a sale itself to take it back all the same. The
    other vouchers of the order are taken back. Inside a transaction that is done after its commit; a voucher that was
    spent in between stays valid, and ``voucher_needs_review`` is sent.

    Raises PaymentStateError for a sale that is not stored; nothing was sent. UnavailableError, CredentialsError and
    ContractError where it cannot be read whether something was spent: nothing was taken back then, or ``settle`` goes
    on with it. No money moves: what was paid for a voucher is refunded by the shop.
    """
    check_key(key)
    is_one = isinstance(order, VoucherSale)
    given = [stored_sale(order)] if is_one else [sale for sale in sales_of(order) if sale.origin == "sold"]
    sales = [sale for sale in given if sale.status not in ENDED_SALES]
    errors: list[RefusedError | WrongStateError] = []
    unspent = []
    for sale in sales:
        try:
            _refuse_used(sale, may_be_topped_up=is_one)
            unspent.append(sale)
        except (RefusedError, WrongStateError) as error:
            errors.append(error)
    by = {"actor": actor[:150], "reason": reason[:255]}
    told_unpaid = bool(unspent) and _is_told_unpaid(find_order(unspent[0].order_number) if is_one else order)
    taken = [retry_on_conflict(lambda sale=sale: _write(sale, by, told_unpaid)) for sale in unspent]  # type: ignore[misc]
    advance_all(taken)
    if errors:
        raise errors[0]
    return list(VoucherSale.current.filter(pk__in=[sale.pk for sale in taken]))


def _refuse_used(sale: VoucherSale, *, may_be_topped_up: bool) -> None:
    """Raise where something of an active voucher was spent, an order of this shop counts on it, or it was topped up."""
    if sale.status != "active" or sale.target == "taken_back":
        return
    known = VoucherPayment.current.with_open_charge()
    payments = known.filter(voucher_id=sale.voucher_id, account=sale.account)
    paying = [payment for payment in payments if is_competing(payment)]
    if paying:
        raise WrongStateError(
            f"order {sale.order_number}: the gift voucher …{sale.code_hint} pays for order "
            f"{paying[0].order_number}: it cannot be taken back. Nothing was sent.",
            code="voucher_in_use",
        )
    bookings = _bookings(sale)
    if (spent := spent_amount(bookings)) > ZERO:
        raise spent_error(sale, spent)
    if not may_be_topped_up and (
        _is_being_recharged(sale) or any(row.type == "recharge" for row in bookings)
    ):
        raise WrongStateError(
            f"order {sale.order_number}: the gift voucher …{sale.code_hint} was topped up since, with money that is "
            "not of this order. Give the sale itself to take it back with all that is on it. Nothing was sent.",
            code="voucher_topped_up",
        )


def _is_being_recharged(sale: VoucherSale) -> bool:
    operation = open_operation(sale)
    return operation is not None and operation.kind == "recharge"


def _bookings(sale: VoucherSale) -> list[Charge]:
    """Return the bookings of the voucher; none where it was deleted at the Voucher Cloud: it is taken back already."""
    try:
        return bookings_of(sale.voucher_id, sale.account)
    except ContractError:
        if voucher_of(sale.voucher_id, sale.account) is None:
            return []
        raise


def _is_told_unpaid(order: Any) -> bool:
    """Return whether the shop says that the order is not paid: by ``ORDER_IS_PAID``, or by a status, where no signal
    that comes late can say otherwise."""
    settings = gateway_settings()
    try:
        if order is None or isinstance(order, OrderFacts):
            return False
        if settings.ORDER_IS_PAID:
            return not import_string(settings.ORDER_IS_PAID)(order)
        statuses: Any = settings.ON_STATUS.get("activate")
        return bool(statuses) and not settings.events.get("activate") and not has_status(order, statuses)
    except Exception:  # of the shop's code
        return False


def _write(sale: VoucherSale, by: dict[str, str], told_unpaid: bool) -> VoucherSale:
    """Store that the voucher is to be taken back. One whose order was never paid ends for that reason: it is sold again
    once the order is paid after all."""
    sale.refresh_from_db()  # before the transaction: on SQLite one that has read cannot wait for the lock to write
    with atomic_or_conflict():
        if sale.status not in ENDED_SALES and sale.target != "taken_back":
            is_unpaid = told_unpaid and sale.origin == "sold" and sale.target == "issued"
            ended = {"end_reason": "unpaid" if is_unpaid else "returned", "due_at": timezone.now()}
            given = {name: text for name, text in by.items() if text}
            change_sale(sale, target="taken_back", **ended, **given)
    return sale
