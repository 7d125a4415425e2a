"""The endpoints of the package alone."""

from django.urls import include, path

urlpatterns = [path("vouchers/", include("voucher_payment_gateway.checkout.urls"))]
