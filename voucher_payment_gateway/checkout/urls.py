"""Include these under any prefix: ``path("vouchers/", include("voucher_payment_gateway.checkout.urls"))``.

The pages of sold vouchers, and the customer's own, are among them.
"""

from django.urls import include, path

from voucher_payment_gateway.checkout import views

app_name = "voucher_payment_gateway"

urlpatterns = [
    path("apply/", views.apply, name="apply"),
    path("remove/", views.remove, name="remove"),
    path("renew/", views.renew, name="renew"),
    path("state/", views.state, name="state"),
    path("sold/", include("voucher_payment_gateway.selling.urls")),
    path("", include("voucher_payment_gateway.customer.urls")),
]
