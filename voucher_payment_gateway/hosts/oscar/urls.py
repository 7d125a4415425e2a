"""The customer's endpoints, and the pages of accounts and staff.

``path("gift-vouchers/", include("voucher_payment_gateway.hosts.oscar.urls"))``.

The endpoints are the gateway's own: POST with a CSRF token, throttled, each code read from the body alone. The
order is that of the visitor's checkout (``CHECKOUT_ORDER``), never one that the request names.
"""

from django.urls import include, path

urlpatterns = [
    path("", include("voucher_payment_gateway.hosts.oscar.pages")),
    path("", include("voucher_payment_gateway.checkout.urls")),
]
