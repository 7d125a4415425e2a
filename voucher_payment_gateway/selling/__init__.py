"""The buyer's side of a sold voucher: the page that shows its code until that was seen, to print and as a PDF; and the
list of the vouchers of an order.

Its URLs are among those of ``voucher_payment_gateway.checkout.urls``. Put ``{% load voucher_payments %}{% voucher_sales
order %}`` into the shop's page of an order: it links the pages.
"""
