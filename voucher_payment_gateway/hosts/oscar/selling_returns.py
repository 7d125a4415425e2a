"""Returns of sold gift vouchers: taken back before Oscar notes the return, so that the clerk reads what was spent."""

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from oscar.apps.payment.exceptions import PaymentError

from voucher_payment_gateway import gateway
from voucher_payment_gateway.conf import gateway_settings
from voucher_payment_gateway.exceptions import (
    ContractError,
    CredentialsError,
    OutcomeUnknownError,
    UnavailableError,
    VoucherGatewayError,
)
from voucher_payment_gateway.gateway.verbs.sell import sales_of
from voucher_payment_gateway.hosts.oscar.conf import oscar_settings
from voucher_payment_gateway.hosts.oscar.selling import is_gift_voucher
from voucher_payment_gateway.log_events import PaymentEvents
from voucher_payment_gateway.models import VoucherSale
from voucher_payment_gateway.rules.sales import ENDED_SALES

if TYPE_CHECKING:
    Handler = Any
else:
    Handler = object

__all__ = ["SoldVoucherEventHandlerMixin"]

GOES_ON = (UnavailableError, CredentialsError, ContractError, OutcomeUnknownError)
"""Errors after which ``settle`` finishes what is stored."""


class SoldVoucherEventHandlerMixin(Handler):
    """For the shop's ``EventHandler``, before the one that moves money: a shipping event of ``RETURN_EVENTS``, or a
    status by which ``ON_STATUS`` takes gift vouchers back, ends those that its lines have sold.

    A spent one raises Oscar's ``PaymentError``, which says what was spent: nothing is noted then, and it stays valid.
    What was paid for a voucher is refunded by the shop.
    """

    user: Any

    def handle_shipping_event(
        self, order: Any, event_type: Any, lines: Any, line_quantities: Sequence[int], **kwargs: Any
    ) -> Any:
        if event_type.name in oscar_settings().RETURN_EVENTS:
            self.validate_shipping_event(order, event_type, lines, line_quantities, **kwargs)
            self._take_lines_back(order, list(zip(lines, line_quantities, strict=True)), event_type.name)
        return super().handle_shipping_event(order, event_type, lines, line_quantities, **kwargs)

    def handle_order_status_change(self, order: Any, new_status: str, note_msg: str | None = None) -> Any:
        if _takes_back(new_status) and new_status in order.available_statuses():
            self._take_back(order, order, new_status)
        return super().handle_order_status_change(order, new_status, note_msg=note_msg)

    def _take_lines_back(self, order: Any, returned: list[tuple[Any, int]], reason: str) -> None:
        sold = [(line, quantity) for line, quantity in returned if is_gift_voucher(line)]
        if not sold:
            return
        if _is_all(order, sold):
            self._take_back(order, order, reason)
            return
        for line, quantity in sold:
            for sale in _last_of(order, line, quantity):
                self._take_back(order, sale, reason)

    def _take_back(self, order: Any, what: Any, reason: str) -> None:
        actor = self.user.get_username() if self.user is not None else ""
        try:
            gateway.take_back(what, actor=actor, reason=reason)
        except GOES_ON as error:
            PaymentEvents.left_to_settle.log(order_number=order.number, error_code=error.code)
        except VoucherGatewayError as error:
            raise PaymentError(str(error)) from error


def _takes_back(status: str) -> bool:
    """Return whether ``ON_STATUS`` takes the gift vouchers of an order with this status back."""
    statuses: Any = gateway_settings().ON_STATUS
    return status in statuses.get("take_back", ())


def _is_all(order: Any, returned: Iterable[tuple[Any, int]]) -> bool:
    """Return whether the lines are all gift vouchers that the order has sold: then those that are not written yet are
    taken back too."""
    sold = {line.pk: line.quantity for line in order.lines.all() if is_gift_voucher(line)}
    return sold == {line.pk: quantity for line, quantity in returned}


def _last_of(order: Any, line: Any, quantity: int) -> list[VoucherSale]:
    """Return the last ``quantity`` vouchers of a line that were not taken back."""
    keys = {str(line.pk), *(f"{line.pk}-{number}" for number in range(1, line.quantity + 1))}
    left = [
        sale
        for sale in sales_of(order)
        if sale.key in keys and sale.status not in ENDED_SALES and sale.target != "taken_back"
    ]
    return left[-quantity:]
