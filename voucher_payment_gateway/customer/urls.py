"""The customer's own pages, included by ``checkout.urls``."""

from django.urls import path

from voucher_payment_gateway.customer import views

urlpatterns = [
    path("mine/", views.mine, name="mine"),
    path("balance/", views.balance, name="balance"),
    path("balance/check/", views.check, name="check"),
]
