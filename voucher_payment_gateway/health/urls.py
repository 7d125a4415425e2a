"""The addresses for probes. No other URLs of this package include them: include them where your monitoring reads."""

from django.urls import path

from voucher_payment_gateway.health import views

urlpatterns = [
    path("", views.health, name="voucher_health"),
    path("ready/", views.ready, name="voucher_ready"),
]
