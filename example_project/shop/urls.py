from django.contrib.auth.views import LoginView, LogoutView
from django.urls import path

from shop import checkout_views, discounts, gift_views, staff_gifts, staff_views, views

urlpatterns = [
    path("", views.catalogue, name="catalogue"),
    path("basket/", views.basket, name="basket"),
    path("basket/add/<slug:slug>/", views.add, name="basket_add"),
    path("basket/discount/", discounts.enter_discount, name="basket_discount"),
    path("basket/change/<slug:slug>/", views.change, name="basket_change"),
    path("gift/", gift_views.gift, name="gift"),
    path("gift/remove/<str:gift_id>/", gift_views.remove, name="gift_remove"),
    path("checkout/", checkout_views.checkout, name="checkout"),
    path("checkout/start/", checkout_views.start_checkout, name="checkout_start"),
    path("checkout/confirm/", checkout_views.confirm, name="checkout_confirm"),
    path("orders/<str:number>/", checkout_views.order_page, name="order"),
    path("staff/", staff_views.orders, name="staff_orders"),
    path("staff/login/", LoginView.as_view(template_name="shop/login.html"), name="login"),
    path("staff/logout/", LogoutView.as_view(), name="logout"),
    path("staff/orders/<str:number>/", staff_views.order, name="staff_order"),
    path("staff/orders/<str:number>/ship/", staff_views.ship, name="staff_ship"),
    path("staff/orders/<str:number>/return/", staff_views.give_back, name="staff_return"),
    path("staff/orders/<str:number>/paid/", staff_gifts.mark_paid, name="staff_paid"),
    path("staff/orders/<str:number>/gifts/", staff_gifts.give_gifts_back, name="staff_gifts"),
    path("staff/orders/<str:number>/cancel/", staff_views.cancel, name="staff_cancel"),
]
