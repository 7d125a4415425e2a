"""The provider that django-payments calls: each of its methods is one or two verbs of the gateway."""

from decimal import Decimal
from typing import Any

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.utils.translation import gettext as _
from payments import PaymentStatus, RedirectNeeded
from payments.core import BasicProvider

from voucher_payment_gateway import gateway
from voucher_payment_gateway.checkout import enter_voucher, error_message
from voucher_payment_gateway.checkout.wording import amount_text
from voucher_payment_gateway.exceptions import VoucherGatewayError, WrongStateError
from voucher_payment_gateway.gateway.records.conflicts import in_transaction
from voucher_payment_gateway.hosts.django_payments import rows
from voucher_payment_gateway.hosts.django_payments.form import VoucherEntryForm
from voucher_payment_gateway.models import VoucherPayment
from voucher_payment_gateway.money import ZERO
from voucher_payment_gateway.sealing import Secret

__all__ = ["VoucherProvider"]


class VoucherProvider(BasicProvider):
    """Takes gift vouchers for ``Payment`` rows. It stores nothing, so threads may share it.

    ``capture``: charge as soon as the customer has entered a voucher; otherwise the row waits as ``preauth``.
    ``lower_total``: a voucher that holds less than the row's total lowers the total to what it holds, and the shop
    makes another row for the rest. Otherwise such a voucher is refused.
    """

    def __init__(self, capture: bool = True, *, lower_total: bool = False) -> None:
        super().__init__(capture=capture)
        self._lower_total = lower_total

    def get_form(self, payment: Any, data: Any = None) -> VoucherEntryForm:
        """Return the form; with ``data``, reserve the voucher that was entered.

        The form has no request: failed codes are counted by the row's ``customer_ip_address``. Raises RedirectNeeded
        once the row is paid, or cannot be paid any more. A refused code stands as an error at its field; nothing was
        taken then. Outside of a transaction the voucher of a row with ``capture`` is charged when this ends.
        """
        self._redirect_unless_unpaid(payment)
        form = VoucherEntryForm(data, provider=self, payment=payment)
        if data is not None and form.is_valid() and self._is_accepted(payment, _visitor(payment), form):
            self._redirect_unless_unpaid(payment)
        return form

    def process_data(self, payment: Any, request: HttpRequest) -> HttpResponse:
        """Redirect to the success or the failure page of the row; reserve the voucher that was posted, if one was.

        The host calls this in a transaction: what is charged is sent after its commit, and a rollback charges nothing.
        """
        rows.refresh(payment)
        if request.method == "POST" and payment.status in rows.UNPAID:
            form = VoucherEntryForm(request.POST, provider=self, payment=payment)
            if form.is_valid():
                self._is_accepted(payment, request, form)
        return HttpResponseRedirect(_next_url(payment))

    def get_token_from_request(self, payment: Any, request: HttpRequest) -> None:
        """Return None: the Voucher Cloud sends no webhooks, and the host answers whoever calls with 400."""

    def capture(self, payment: Any, amount: Decimal | None = None) -> Decimal | None:
        """Charge the row's vouchers, or ``amount`` of what they hold; the rest is let go. Return the amount charged.

        Inside of a transaction it is charged after the commit: then this returns None, so the row stays ``preauth``
        until the money has moved. Raises PaymentError, which says what happened to the money.
        """
        with rows.in_verb(payment):
            rows.require(payment, PaymentStatus.PREAUTH)
            gateway.capture(payment, amount, key=rows.CAPTURE_KEY)
            kept = rows.standing(payment).kept
            if kept == ZERO and not in_transaction():
                raise WrongStateError("Nothing is held for this payment. Nothing was charged.")
        return kept or None

    def release(self, payment: Any) -> None:
        """Let go of what is held; nothing was charged. Raises PaymentError where something was, or is being, charged:
        the hold stands then."""
        self._let_go(payment, PaymentStatus.PREAUTH)

    def refund(self, payment: Any, amount: Decimal | None = None) -> Decimal:
        """Refund all that was charged and not refunded yet, or ``amount`` of it. Return the amount refunded.

        Inside of a transaction it is refunded after the commit: then this returns 0.00, and the row follows once the
        money has moved. Raises PaymentError, which says what happened to the money.
        """
        with rows.in_verb(payment):
            rows.require(payment, PaymentStatus.CONFIRMED)
            before = rows.standing(payment).kept
            gateway.refund(payment, amount)
            kept = rows.standing(payment).kept
        if in_transaction():
            return ZERO
        refunded = before - kept if amount is None else amount
        payment.captured_amount = kept + refunded  # the host takes off what was refunded
        return refunded

    def cancel(self, payment: Any) -> None:
        """Let go of what a voucher holds for a row that is not paid yet."""
        self._let_go(payment, *rows.UNPAID)

    def _let_go(self, payment: Any, *statuses: str) -> None:
        with rows.in_verb(payment):
            rows.require(payment, *statuses)
            gateway.cancel(payment, refund=False)
            if rows.standing(payment).was_charged:
                raise WrongStateError("The payment was charged meanwhile. It was not released.")

    def _is_accepted(self, payment: Any, request: HttpRequest, form: VoucherEntryForm) -> bool:
        """Reserve and confirm the voucher; the row follows, and is charged with ``capture``. Return False where it is
        not paid: why then stands on the form."""
        try:
            voucher = _reserve(request, payment, form.take())
            if refusal := self._refusal(payment, voucher):
                form.add_error("code", refusal)
                return False
            gateway.authorize_selected(payment)
            rows.bring_into_step(payment)
        except VoucherGatewayError as error:
            rows.bring_into_step(payment)
            form.add_error("code", error_message(error))
            return payment.status not in rows.UNPAID  # as after a double click: the first one has paid
        return True

    def _refusal(self, payment: Any, voucher: VoucherPayment) -> str:
        """Return why the voucher cannot pay the row; it is released then. With ``lower_total`` the total is lowered to
        what the row's vouchers hold."""
        with rows.locked(payment) as row:
            due = gateway.cover(row).due
            if row.status in rows.UNPAID and due > ZERO and self._lower_total:
                row.total -= due
                row.save(update_fields=["total"])
                due = ZERO
        payment.total = row.total
        if due == ZERO:
            return ""
        gateway.cancel(voucher, refund=False)
        return _("This gift voucher holds %(held)s, and %(total)s is to pay. Nothing was taken from it.") % {
            "held": amount_text(row.total - due, row.currency),
            "total": amount_text(row.total, row.currency),
        }

    def _redirect_unless_unpaid(self, payment: Any) -> None:
        rows.refresh(payment)
        if payment.status not in rows.UNPAID:
            raise RedirectNeeded(_next_url(payment))


def _reserve(request: HttpRequest, payment: Any, secret: Secret) -> VoucherPayment:
    return enter_voucher(request, payment, secret.code, pin=secret.pin)


def _visitor(payment: Any) -> HttpRequest:
    """Return what is known of the visitor where the host gives no request: the address of the row."""
    request = HttpRequest()
    request.META["REMOTE_ADDR"] = payment.customer_ip_address or ""
    return request


def _next_url(payment: Any) -> str:
    is_paid = payment.status in rows.IS_PAID
    return str(payment.get_success_url() if is_paid else payment.get_failure_url())
