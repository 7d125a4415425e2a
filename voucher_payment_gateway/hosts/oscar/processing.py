"""Gift vouchers in Oscar's order processing.

``class EventHandler(VoucherEventHandlerMixin, processing.EventHandler)`` in the shop's ``order/processing.py``.
"""

from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from oscar.apps.payment.exceptions import PaymentError

from voucher_payment_gateway import gateway, money
from voucher_payment_gateway.conf import gateway_settings
from voucher_payment_gateway.exceptions import (
    AmountError,
    ContractError,
    CredentialsError,
    OutcomeUnknownError,
    UnavailableError,
    VoucherGatewayError,
)
from voucher_payment_gateway.hosts.oscar import payment_events
from voucher_payment_gateway.hosts.oscar.conf import oscar_settings
from voucher_payment_gateway.hosts.oscar.facts import has_payments
from voucher_payment_gateway.hosts.oscar.figures import refuse_unpaid, voucher_figures
from voucher_payment_gateway.hosts.oscar.keys import call_of, charged_by, next_key
from voucher_payment_gateway.hosts.oscar.parcels import parcel_of
from voucher_payment_gateway.log_events import PaymentEvents
from voucher_payment_gateway.money import ZERO

__all__ = ["VoucherEventHandlerMixin"]

LEFT_TO_SETTLE = (UnavailableError, CredentialsError, ContractError, OutcomeUnknownError)
"""After these the operation is stored, and ``settle`` finishes it: the shop goes on."""


if TYPE_CHECKING:
    Oscar = Any
else:
    Oscar = object


class VoucherEventHandlerMixin(Oscar):
    """Charges on a shipping event what the parcel costs, refunds on a payment event, and follows a change of the
    order's status by ``ON_STATUS``. List it before Oscar's handler.

    Vouchers come first: a parcel is charged to them as far as they reach, and what they leave is for the shop's other
    means of payment. A refusal raises Oscar's ``PaymentError``, and then no event is created. An order without vouchers
    is Oscar's alone.
    """

    user: Any

    def handle_shipping_event(
        self, order: Any, event_type: Any, lines: Sequence[Any], line_quantities: Sequence[int], **kwargs: Any
    ) -> Any:
        """Charge the vouchers what the parcel costs, then create the event: an order never ships unpaid."""
        if event_type.name not in oscar_settings().SHIPPING_EVENTS or not has_payments(order.number):
            return super().handle_shipping_event(order, event_type, lines, line_quantities, **kwargs)
        self.validate_shipping_event(order, event_type, lines, line_quantities, **kwargs)
        charged, key = self._charge_parcel(order, list(lines), list(line_quantities))
        event = super().handle_shipping_event(order, event_type, lines, line_quantities, **kwargs)
        if charged:
            payment_events.note_charge(order, charged, key, lines, line_quantities, event)
        return event

    def handle_payment_event(
        self,
        order: Any,
        event_type: Any,
        amount: Decimal,
        lines: Sequence[Any] | None = None,
        line_quantities: Sequence[int] | None = None,
        *,
        key: str = "",
        **kwargs: Any,
    ) -> Any:
        """Refund ``amount``, or charge it, by the type of the event, and create the event once.

        With a ``key`` (of the form on a page) the same key again is the same event. Without one, an equal event within
        ``REPEAT_SECONDS`` is a second click: PaymentError, and nothing moves.
        """
        settings = oscar_settings()
        names, verb = settings.REFUND_EVENTS, gateway.refund
        if event_type.name in settings.CAPTURE_EVENTS:
            names, verb = settings.CAPTURE_EVENTS, gateway.capture
        create = super().handle_payment_event
        if event_type.name not in names or not has_payments(order.number):
            return create(order, event_type, amount, lines, line_quantities, **kwargs)
        self.validate_payment_event(order, event_type, amount, lines, line_quantities, **kwargs)
        amount = _checked(amount)
        planned = payment_events.plan(order, event_type, amount, lines, line_quantities, key)
        if planned.event is not None:
            return planned.event
        own = self._own_share(planned)
        if own:
            self._call(order, verb, own, key=planned.key)
        return payment_events.create_once(
            planned, lambda: create(order, event_type, amount, lines, line_quantities, **kwargs)
        )

    def handle_order_status_change(self, order: Any, new_status: str, note_msg: str | None = None) -> None:
        """Charge or cancel what the status asks for by ``ON_STATUS``, then change it: not where it cannot follow the
        present one, and not where money cannot move as it says."""
        if has_payments(order.number):
            order.status = self._stored(order).status  # the page may show an earlier one
            if new_status in order.available_statuses():
                self._follow_status(order, new_status)
        super().handle_order_status_change(order, new_status, note_msg=note_msg)

    def _follow_status(self, order: Any, new_status: str) -> None:
        statuses: Any = gateway_settings().ON_STATUS
        verbs: dict[str, Callable[..., object]] = {
            "capture": gateway.capture,
            "cancel": gateway.cancel,
            "refund": gateway.refund,
        }
        for name, verb in verbs.items():
            if new_status in statuses.get(name, ()):
                self._call(order, verb)

    def pay_rest(self, order: Any, event_type: Any, amount: Decimal) -> None:
        """Move what of a payment event is not for the vouchers: override it where another means of payment can do that.
        It is called before a voucher is, and again for the same event where the process died in between: it must be
        idempotent. Here it raises PaymentError, and nothing moved."""
        raise PaymentError(
            f"{amount} of this are not for the gift vouchers of the order: move that amount where it was paid, and "
            "enter only what is for the gift vouchers. Nothing moved."
        )

    def _own_share(self, planned: payment_events.PlannedEvent) -> Decimal:
        """Return what of the event's amount is for the vouchers, after the rest was moved. It is that of an earlier
        attempt, if there was one: the rest was moved before that one."""
        order, amount = planned.order, planned.amount
        is_refund = planned.event_type.name in oscar_settings().REFUND_EVENTS
        if (call := call_of(order, "refund" if is_refund else "capture", planned.key)) is not None:
            return payment_events.repeated(planned, call)
        figures = voucher_figures(order)
        own = min(amount, figures.refundable if is_refund else figures.chargeable)
        if own < amount:
            self.pay_rest(order, planned.event_type, amount - own)
        return own

    def _charge_parcel(self, order: Any, lines: list[Any], quantities: list[int]) -> tuple[Decimal, str]:
        """Return what the vouchers were charged for the parcel, and its key."""
        self._refuse_unpaid(order)
        figures, parcel = voucher_figures(order), parcel_of(order, lines, quantities)
        charged = figures.chargeable if parcel.is_last else min(parcel.cost, figures.chargeable)
        key = next_key(order, parcel.name)
        if (call := call_of(order, "capture", key)) is not None:
            self._call(order, gateway.capture, call.amount, key=key)
            return charged_by(call), key
        if charged > ZERO:
            self._call(order, gateway.capture, None if parcel.is_last else charged, key=key)
        return charged, key

    def _refuse_unpaid(self, order: Any) -> None:
        try:
            refuse_unpaid(order)
        except VoucherGatewayError as error:
            raise PaymentError(str(error)) from error

    def _call(self, order: Any, verb: Callable[..., object], *amount: Decimal | None, **by: str) -> None:
        """Run a verb of the gateway. Raises PaymentError where it was refused."""
        actor = self.user.get_username() if self.user is not None else ""
        try:
            verb(self._stored(order), *amount, actor=actor, **by)
        except LEFT_TO_SETTLE as error:
            PaymentEvents.left_to_settle.log(order_number=order.number, error_code=error.code)
        except VoucherGatewayError as error:
            raise PaymentError(str(error)) from error

    def _stored(self, order: Any) -> Any:
        """Return the order as it is stored now: another person may have changed it since the page was read."""
        return type(order)._default_manager.get(pk=order.pk)


def _checked(given: Any) -> Decimal:
    """Return the amount of a payment event. Raises PaymentError where no money can have it."""
    try:
        return money.amount(given)
    except AmountError as error:
        raise PaymentError(str(error)) from error
