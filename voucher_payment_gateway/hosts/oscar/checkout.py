"""Gift vouchers in Oscar's checkout: ``class PaymentDetailsView(VoucherPaymentMixin, views.PaymentDetailsView)``."""

__all__ = ["VoucherPaymentMixin"]


class VoucherPaymentMixin:
    """Pays (part of) an order with gift vouchers; the shop's own ``handle_payment`` gets what is left to pay."""
