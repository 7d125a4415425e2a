from django.apps import apps
from django.contrib import admin
from django.urls import include, path

from tests.hosts.oscar_api_checkout.card import bank_answers
from voucher_payment_gateway.hosts.oscar_api_checkout.views import PaymentStatesView

urlpatterns = [
    path("admin/", admin.site.urls),
    path("bank/", bank_answers),
    path("api/checkout/payment-states/", PaymentStatesView.as_view()),
    path("api/checkout/payment-states/<int:pk>/", PaymentStatesView.as_view()),
    path("api/", include(apps.get_app_config("oscarapicheckout").urls[0])),
    path("api/", include("oscarapi.urls")),
    path("", include(apps.get_app_config("oscar").urls[0])),
]
