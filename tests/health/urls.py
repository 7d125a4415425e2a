"""A shop that lets probes in, under a name of its own."""

from django.urls import include, path

urlpatterns = [path("status/vouchers/", include("voucher_payment_gateway.health.urls"))]
