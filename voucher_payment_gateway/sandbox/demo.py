"""Vouchers to try things with."""

from typing import Any

from voucher_payment_gateway.sandbox.cloud import LocalVoucherCloud

__all__ = ["DEMO_VOUCHERS", "seed_demo"]

DEMO_VOUCHERS: tuple[dict[str, Any], ...] = (
    {"code": "GIFT-20", "amount": "20.00"},
    {"code": "GIFT-50", "amount": "50.00"},
    {"code": "GIFT-100-PIN", "amount": "100.00", "pin": "4711", "type": "print"},
    {"code": "GIFT-PENNIES", "amount": "0.05"},
    {"code": "GIFT-INACTIVE", "amount": "25.00", "status": "inactive"},
    {"code": "GIFT-TAXED", "amount": "30.00", "taxable": True, "tax_rate": "19"},
    {"code": "GIFT-DOLLAR", "amount": "20.00", "currency": "USD"},
)


def seed_demo(cloud: LocalVoucherCloud) -> None:
    """Add the demo vouchers to the cloud; existing ones are not changed."""
    with cloud.changing():
        for fields in DEMO_VOUCHERS:
            if not cloud.store.code_is_taken(fields["code"]):
                cloud.add_voucher(**fields)
