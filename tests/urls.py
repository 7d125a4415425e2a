"""The pages of the test shop."""

from django.contrib import admin
from django.urls import include, path

urlpatterns = [
    path("admin/", admin.site.urls),
    path("vouchers/", include("voucher_payment_gateway.checkout.urls")),
]
