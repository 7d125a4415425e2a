"""The URLs of the example shop. One line belongs to the gift vouchers."""

from django.contrib import admin
from django.urls import include, path

urlpatterns = [
    path("", include("shop.urls")),
    path("vouchers/", include("voucher_payment_gateway.checkout.urls")),
    path("language/", include("django.conf.urls.i18n")),
    path("admin/", admin.site.urls),
]
