"""The customer's own pages: the vouchers bought with and used by an account, and the balance of a code.

Their URLs are among those of ``voucher_payment_gateway.checkout.urls``.
"""
