"""What the customer sees and does: enter a gift voucher, see what it covers, take it off the order again.

Include ``voucher_payment_gateway.checkout.urls`` in the shop's URLs, name the order of the visitor in
``CHECKOUT_ORDER``, and put ``{% load voucher_payments %}{% voucher_payments order %}`` into the page.
"""
