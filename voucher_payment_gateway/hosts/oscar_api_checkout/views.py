"""The host's list of payment states, with the reason why a gift voucher was declined."""

from typing import Any

from oscarapicheckout import utils, views

__all__ = ["PaymentStatesView"]


class PaymentStatesView(views.PaymentStatesView):
    """Adds ``message`` to the state of a gift voucher that was declined. Place it before the host's own addresses."""

    def get(self, request: Any, pk: int | None = None) -> Any:
        response = super().get(request, pk)
        shown = (response.data or {}).get("payment_method_states") or {}
        for key, state in utils.list_payment_method_states(request).items():
            message = getattr(state, "message", "")
            if message and key in shown:
                shown[key] = {**shown[key], "message": message}
        return response
