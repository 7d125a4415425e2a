"""The pages of sold vouchers, included by ``checkout.urls``."""

from django.urls import path

from voucher_payment_gateway.selling import views

urlpatterns = [
    path("", views.sold, name="sold"),
    path("<str:link>/", views.page, name="sold_page"),
    path("<str:link>/seen/", views.seen, name="sold_seen"),
    path("<str:link>/print/", views.to_print, name="sold_print"),
    path("<str:link>/pdf/", views.as_pdf, name="sold_pdf"),
]
