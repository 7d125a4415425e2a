"""Refuse a voucher whose VAT was paid at its sale, where the shop does not accept those."""

import logging

from voucher_payment_gateway.conf import gateway_settings

__all__ = ["is_refused_as_taxable"]

logger = logging.getLogger("voucher_payment_gateway")


def is_refused_as_taxable(taxable: bool | None) -> bool:
    """Return whether ``TAXABLE_VOUCHERS`` refuses a voucher whose VAT was paid at its sale, or may have been."""
    if taxable is False or gateway_settings().TAXABLE_VOUCHERS == "accept":
        return False
    if taxable is None:
        logger.warning(
            "TAXABLE_VOUCHERS: the Voucher Cloud does not say of a voucher whether VAT was paid at its sale, so it was "
            "refused"
        )
    return True
