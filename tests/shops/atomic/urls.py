from django.urls import include, path

from tests.shops.atomic import views

urlpatterns = [
    path("vouchers/", include("voucher_payment_gateway.checkout.urls")),
    path("confirm/<str:number>/", views.confirm),
    path("ship/<str:number>/", views.ship),
    path("ship-inside/<str:number>/", views.ship_inside),
    path("give-back/<str:number>/", views.give_back),
]
