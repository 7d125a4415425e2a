from django.urls import include, path

from tests.shops.drf.views import GiftVouchers

urlpatterns = [
    path("gift-vouchers/", GiftVouchers.as_view()),
    path("vouchers/", include("voucher_payment_gateway.checkout.urls")),
]
