"""Gift vouchers in Oscar's checkout: ``class PaymentDetailsView(VoucherPaymentMixin, views.PaymentDetailsView)``."""

from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Any

from django.contrib import messages
from django.http import HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from oscar.apps.payment.exceptions import PaymentError, UnableToTakePayment
from oscar.core.loading import get_model
from oscar.core.prices import Price

from voucher_payment_gateway import gateway
from voucher_payment_gateway.checkout.problems import error_message
from voucher_payment_gateway.exceptions import (
    PaymentStateError,
    RefusedError,
    UnavailableError,
    VoucherGatewayError,
)
from voucher_payment_gateway.hosts.oscar.facts import (
    checkout_facts,
    facts_of,
    has_payments,
    noted_number,
    order_of,
    order_of_basket,
    placed_order,
    release,
)
from voucher_payment_gateway.hosts.oscar.placed import confirm
from voucher_payment_gateway.log_events import OscarEvents
from voucher_payment_gateway.money import ZERO
from voucher_payment_gateway.orders import OrderFacts

__all__ = ["SHOWN_DUE", "VoucherPaymentMixin"]

SHOWN_DUE = "gift_voucher_due"
"""The field of the form "place order" with the amount that the page has shown for the other means of payment."""

FOR_THE_CUSTOMER = (RefusedError, UnavailableError, PaymentStateError)
"""What the customer can do something about: choose again, wait a moment, pay another way."""


class AlreadyPlacingError(Exception):
    """Another request has frozen the basket meanwhile; nothing was done in this one."""


if TYPE_CHECKING:
    Oscar = Any
else:
    Oscar = object


class VoucherPaymentMixin(Oscar):
    """Pays (part of) an order with gift vouchers. List it before Oscar's view, or before the view of another means of
    payment: the ``handle_payment`` of that one gets what is left to pay, and is not called where nothing is.

    ``handle_payment`` only reserves: money moves when the order ships. An order without vouchers is Oscar's alone.
    """

    request: Any
    checkout_session: Any
    _other_due: Decimal | None = None
    """What the other means of payment was asked for; None for an order without vouchers."""

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """Add ``voucher_order``, for ``{% voucher_payments voucher_order %}``, and ``voucher_due``."""
        context: dict[str, Any] = super().get_context_data(**kwargs)
        order = checkout_facts(self, context["basket"], context["order_total"])
        context["voucher_order"] = order
        if order is not None and has_payments(order.number):
            context["voucher_due"] = gateway.cover(order).due
        return context

    def generate_order_number(self, basket: Any) -> Any:
        """Return the number under which vouchers were entered for this basket, else a new one."""
        return noted_number(self.checkout_session, basket) or super().generate_order_number(basket)

    def submit(self, user: Any, basket: Any, *args: Any, **kwargs: Any) -> HttpResponse:
        """Place the order, unless it is placed already, or another request is placing it: then finish the checkout, and
        pay and place nothing again."""
        if (response := self._placed_already(basket)) is not None:
            return response
        try:
            placed: HttpResponse = super().submit(user, basket, *args, **kwargs)
        except AlreadyPlacingError:
            return self._placed_already(basket) or self._being_placed()
        return placed

    def freeze_basket(self, basket: Any) -> None:
        """Freeze the basket. Of two requests that have read it open, as after a double click, one does: both would ask
        the other means of payment, and a failure of one would release the vouchers of the other."""
        if has_payments(self.checkout_session.get_order_number()) and basket.status == basket.OPEN:
            open_still = get_model("basket", "Basket")._default_manager.filter(
                pk=basket.pk, status=basket.OPEN
            )
            if not open_still.update(status=basket.FROZEN):
                raise AlreadyPlacingError
        super().freeze_basket(basket)

    def handle_payment(self, order_number: Any, total: Any, **kwargs: Any) -> None:
        """Reserve the vouchers of the order; the means of payment behind this mixin takes the rest.

        Raises UnableToTakePayment where the customer can do something about it, else PaymentError: no money moved, and
        nothing was asked of the other means of payment.
        """
        if has_payments(order_number) and order_of(order_number) is None:
            rest = self._reserve(facts_of(str(order_number), self.request.basket, total))
            if rest is not None:
                self._other_due = rest
                if rest == ZERO:
                    return
                total = _rest(total, rest)
        super().handle_payment(order_number, total, **kwargs)

    def handle_order_placement(
        self, order_number: Any, user: Any, basket: Any, *args: Any, **kwargs: Any
    ) -> HttpResponse:
        """Place the order. Where that fails, let go of its vouchers, unless the order exists all the same."""
        try:
            response: HttpResponse = super().handle_order_placement(
                order_number, user, basket, *args, **kwargs
            )
            return response
        except Exception as error:
            if not has_payments(order_number):
                raise
            order = placed_order(order_number, basket)
            if order is None:
                release(str(order_number))
                raise
            OscarEvents.after_placement_failed.log(
                order_number=str(order.number), exception=type(error).__name__
            )
            return self._finish(order, basket)

    def save_payment_details(self, order: Any) -> None:
        """Confirm the vouchers of the placed order, and list them among its payment sources."""
        super().save_payment_details(order)
        confirm(order, other_due=self._other_due)

    def send_order_placed_email(self, order: Any) -> None:
        """Send the confirmation. An order paid by voucher is placed also where that fails: the customer must not be
        asked to place it again."""
        try:
            super().send_order_placed_email(order)
        except Exception as error:
            if not has_payments(order.number):
                raise
            OscarEvents.after_placement_failed.log(
                order_number=str(order.number), exception=type(error).__name__
            )

    def _reserve(self, order: OrderFacts) -> Decimal | None:
        """Reserve what the order needs of its vouchers, and return what is left to pay; None where they pay nothing."""
        try:
            expected = self._shown_due(gateway.cover(order).due)
            gateway.authorize_selected(order, confirm=False)
            cover = gateway.cover(order)
        except FOR_THE_CUSTOMER as error:
            raise UnableToTakePayment(error_message(error)) from error
        except VoucherGatewayError as error:
            raise PaymentError(str(error)) from error
        if cover.due > expected:
            text = _(
                "Your gift vouchers cover less of your order now. Nothing was taken from them; please look at what is "
                "due, and place the order again."
            )
            raise UnableToTakePayment(text)
        return cover.due if cover.covered else None

    def _shown_due(self, due: Decimal) -> Decimal:
        """Return the most that the customer expects to pay otherwise: what the page has shown, or what is due."""
        try:
            return min(Decimal(self.request.POST[SHOWN_DUE]), due)
        except (KeyError, InvalidOperation):
            return due

    def _placed_already(self, basket: Any) -> HttpResponse | None:
        order = order_of_basket(basket)
        if order is None or not has_payments(order.number):
            return None
        messages.info(self.request, _("Your order was placed already."), fail_silently=True)
        return self._finish(order, basket)

    def _being_placed(self) -> HttpResponse:
        text = _("Your order is being placed already. You will receive a confirmation.")
        messages.info(self.request, text, fail_silently=True)
        return redirect("catalogue:index")

    def _finish(self, order: Any, basket: Any) -> HttpResponse:
        """End the checkout of an order that is placed: its basket is closed, and the visitor is shown the order."""
        basket.submit()
        self.checkout_session.flush()
        self.request.session["checkout_order_id"] = order.pk
        return HttpResponseRedirect(self.get_success_url())


def _rest(total: Any, due: Decimal) -> Any:
    """Return Oscar's price of what is left to pay: with tax it is ``due``, and its tax is its share of the order's."""
    tax = (total.incl_tax - total.excl_tax) * due / total.incl_tax
    tax = tax.quantize(Decimal("0.01"))
    return Price(currency=total.currency, excl_tax=due - tax, tax=tax)
