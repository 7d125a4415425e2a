from django.urls import include, path

from tests.hosts.django_payments import views

urlpatterns = [
    path("payments/", include("payments.urls")),
    path("pay/<int:pk>/", views.pay, name="pay"),
    path("pay/<int:pk>/in-a-transaction/", views.pay_in_a_transaction, name="pay-in-a-transaction"),
    path("orders/<number>/paid/", views.paid, name="paid"),
    path("orders/<number>/not-paid/", views.not_paid, name="not-paid"),
    path("staff/<int:pk>/<verb>/", views.staff, name="staff"),
]
