"""The states of a gift voucher in the customer's session, pickled by the host: no code and no PIN is in them."""

from decimal import Decimal

from django.utils.translation import gettext
from oscarapicheckout import states

from voucher_payment_gateway.checkout import error_message
from voucher_payment_gateway.checkout.wording import amount_text
from voucher_payment_gateway.exceptions import InsufficientBalanceError, VoucherGatewayError

__all__ = ["VoucherDeclined", "declined"]


class VoucherDeclined(states.Declined):
    """A voucher that holds nothing for the order. ``message`` says why, in the customer's language."""

    message = ""


def declined(amount: Decimal, error: VoucherGatewayError, currency: str) -> VoucherDeclined:
    """Return the state of a voucher that ``error`` kept from being held. Nothing moved."""
    state = VoucherDeclined(amount)
    state.message = error_message(error)
    if isinstance(error, InsufficientBalanceError) and error.available:
        text = gettext(
            "There are only %(amount)s on this gift voucher. Nothing was taken from it; please use it for that "
            "amount, and pay the rest another way."
        )
        state.message = text % {"amount": amount_text(error.available, currency)}
    return state
