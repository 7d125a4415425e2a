"""Refuse a voucher whose VAT was paid at its sale, where the shop does not accept those."""

from voucher_payment_gateway.conf import gateway_settings
from voucher_payment_gateway.log_events import PaymentEvents

__all__ = ["is_refused_as_taxable"]


def is_refused_as_taxable(taxable: bool | None) -> bool:
    """Return whether ``TAXABLE_VOUCHERS`` refuses a voucher whose VAT was paid at its sale, or may have been."""
    if taxable is False or gateway_settings().TAXABLE_VOUCHERS == "accept":
        return False
    if taxable is None:
        PaymentEvents.voucher_tax_unknown.log()
    return True
