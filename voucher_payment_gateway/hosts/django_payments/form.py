"""The form in which a customer enters a gift voucher for a ``Payment`` row."""

from typing import Any

from django.utils.datastructures import MultiValueDict
from payments.forms import PaymentForm

from voucher_payment_gateway.checkout.forms import VoucherForm
from voucher_payment_gateway.opaque import strip_traceback
from voucher_payment_gateway.sealing import Secret

__all__ = ["VoucherEntryForm"]

SECRETS = ("code", "pin")


class VoucherEntryForm(PaymentForm):
    """A code and, for vouchers that have one, a PIN; posted to the page that shows it (``action`` is empty)."""

    code = VoucherForm.base_fields["code"]
    pin = VoucherForm.base_fields["pin"]

    use_required_attribute = VoucherForm.use_required_attribute

    def __init__(self, data: Any = None, **kwargs: Any) -> None:
        super().__init__(data=data, hidden_inputs=False, **kwargs)

    @strip_traceback
    def take(self) -> Secret:
        """Return what was entered, and empty it here and in the data of the request: error reports print both, and no
        answer repeats a code. Call it once, after ``is_valid``."""
        secret = Secret(*(self.cleaned_data.pop(name) for name in SECRETS))
        for name in SECRETS:
            _empty(self.data, name)
        return secret

    def clean(self) -> None:
        """Empty what was entered where the form is not complete."""
        if self.errors:
            for name in SECRETS:
                _empty(self.data, name)


def _empty(data: Any, name: str) -> None:
    """Empty a field, also in the immutable ``request.POST``: it is that very object that error reports print."""
    if isinstance(data, dict) and name in data:
        dict.__setitem__(data, name, [""] if isinstance(data, MultiValueDict) else "")
