"""A payment method of the host: one gift voucher for each key of its ``payment``."""

from contextlib import suppress
from decimal import Decimal
from typing import Any

import django.db
from django.core.exceptions import ImproperlyConfigured
from django.utils.translation import gettext_noop
from oscarapicheckout import settings, states
from oscarapicheckout.methods import PaymentMethod

from voucher_payment_gateway import gateway
from voucher_payment_gateway.checkout import enter_voucher
from voucher_payment_gateway.exceptions import InsufficientBalanceError, VoucherGatewayError
from voucher_payment_gateway.hosts.oscar_api_checkout import attempt, records
from voucher_payment_gateway.hosts.oscar_api_checkout.data import VoucherSerializer
from voucher_payment_gateway.hosts.oscar_api_checkout.states import declined
from voucher_payment_gateway.models import VoucherPayment as Payment
from voucher_payment_gateway.money import ZERO
from voucher_payment_gateway.opaque import Opaque

__all__ = ["VoucherPayment"]

OF_THE_HOST = "oscarapicheckout.utils.get_order_authorized_amount"


class VoucherPayment(PaymentMethod):
    """Pays with one gift voucher: ``amount`` of it, or what it holds if that is less.

    The rest falls to the method with ``pay_balance``. A voucher that has ``pay_balance`` itself and holds less is
    declined, and holds nothing then.
    """

    name = gettext_noop("Gift voucher")
    code = "gift-voucher"
    serializer_class = VoucherSerializer

    def __init__(self) -> None:
        if settings.ORDER_AUTHORIZED_AMOUNT_CALCULATOR == OF_THE_HOST:
            raise ImproperlyConfigured(
                "ORDER_AUTHORIZED_AMOUNT_CALCULATOR: name "
                "voucher_payment_gateway.hosts.oscar_api_checkout.authorized_amount, or a function that calls it: the "
                "host's own counts gift vouchers that are not held any more."
            )

    def record_payment(
        self,
        request: Any,
        order: Any,
        method_key: str,
        amount: Decimal | None = None,
        reference: str = "",
        **kwargs: Any,
    ) -> states.PaymentStatus:
        """Reserve the voucher, then write the host's records in the host's transaction. If these cannot be written, the
        voucher is released. ``reference`` is the client's own text, and is not stored.

        A refusal is a declined state, after which the host lets the customer choose again. No money moves here.
        """
        if not amount or not kwargs.get("enabled"):
            return states.Complete(ZERO)
        try:
            attempt.begin(request, order)
            payment = _reserve(request, order, amount, kwargs)
        except VoucherGatewayError as error:
            return declined(amount, error, order.currency)
        try:
            return super().record_payment(
                request, order, method_key, amount=payment.amount_authorized, payment=payment
            )
        except BaseException:
            with suppress(VoucherGatewayError, django.db.Error):
                gateway.cancel(payment, refund=False, reason="not recorded by the host")
            raise

    def _record_payment(
        self,
        request: Any,
        order: Any,
        method_key: str,
        amount: Decimal,
        reference: str,
        *,
        payment: Payment,
        **kwargs: Any,
    ) -> states.PaymentStatus:
        source = records.recorded_source(order, payment)
        self.make_authorize_event(order, amount, source.reference)
        return states.Complete(amount, source_id=source.pk)

    def void_existing_payment(
        self, request: Any, order: Any, method_key: str, state_to_void: states.PaymentStatus
    ) -> None:
        """Release the voucher of an earlier attempt, then write that down."""
        payment = records.payment_of(order, state_to_void.source_id)
        if payment:
            attempt.release(order, payment)


def _reserve(request: Any, order: Any, amount: Decimal, data: dict[str, Any]) -> Payment:
    code, pin = data.get("code", Opaque()), data.get("pin", Opaque())
    payment = enter_voucher(request, order, code, pin=pin, amount=amount)
    if data.get("pay_balance") and payment.amount_authorized < amount:
        held = payment.amount_authorized
        gateway.cancel(payment, refund=False, reason="does not cover the balance")
        raise InsufficientBalanceError(available=held)
    return payment
