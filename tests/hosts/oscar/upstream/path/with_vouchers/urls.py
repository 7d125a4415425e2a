from importlib import reload

from django.urls import include, path
from tests._site import urls as oscar

reload(oscar)  # Oscar's tests reload the root of the URLs after they have changed settings

handler403, handler404, handler500 = oscar.handler403, oscar.handler404, oscar.handler500
urlpatterns = [
    path("gift-vouchers/", include("voucher_payment_gateway.hosts.oscar.urls")),
    *oscar.urlpatterns,
]
