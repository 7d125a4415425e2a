"""The pages of the desk."""

from django.contrib import admin
from django.urls import include, path
from django.views.i18n import JavaScriptCatalog

urlpatterns = [
    path("admin/jsi18n/", JavaScriptCatalog.as_view(packages=["django.contrib.admin"])),
    path("admin/", admin.site.urls),
    path("vouchers/", include("voucher_payment_gateway.checkout.urls")),
]
