"""Gift vouchers as a payment method of django-oscar-api-checkout 3.10: several of them, beside other methods.

    API_ENABLED_PAYMENT_METHODS = [
        {
            "method": "voucher_payment_gateway.hosts.oscar_api_checkout.VoucherPayment",
            "permission": "oscarapicheckout.permissions.Public",
        },
        ...
    ]
    ORDER_AUTHORIZED_AMOUNT_CALCULATOR = "voucher_payment_gateway.hosts.oscar_api_checkout.authorized_amount"

The host opens a transaction around both hooks of a payment method. A reservation must neither wait in it nor be lost
with it, so the gateway is called before that transaction begins, and the host's records are written in it.
"""

from voucher_payment_gateway.hosts.oscar_api_checkout.confirmation import authorized_amount
from voucher_payment_gateway.hosts.oscar_api_checkout.method import VoucherPayment

__all__ = ["VoucherPayment", "authorized_amount"]
