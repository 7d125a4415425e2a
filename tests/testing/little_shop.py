"""A small Django shop, as files for a folder."""

SETTINGS = """
SECRET_KEY = "only-for-tests"
USE_TZ = True
ROOT_URLCONF = "shop.urls"
INSTALLED_APPS = ["django.contrib.contenttypes", "voucher_payment_gateway", "shop"]
DATABASES = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}}
VOUCHER_PAYMENT_GATEWAY = {
    "ENVIRONMENT": "production",
    "TOKEN_URL": "https://vouchers.example/token",
    "CLIENT_ID": "the-real-shop",
    "CLIENT_SECRET": "the-real-secret",
    "ORDER_MODEL": "shop.Order",
    "DEADLINE_SECONDS": 12,
    "EVENTS": {"capture": "shop.signals.shipped"},
}
"""
MODELS = """
import secrets

from django.db import models
from voucher_payment_gateway.models import VoucherOrderMixin

def new_number():
    return "A-" + secrets.token_hex(4)

class Order(VoucherOrderMixin, models.Model):
    number = models.CharField(max_length=20, unique=True, default=new_number)
    total = models.DecimalField(max_digits=9, decimal_places=2, default=50)
    currency = models.CharField(max_length=3, default="EUR")
"""
SIGNALS = """
from django.dispatch import Signal

shipped = Signal()
"""
URLS = """
from django.http import HttpResponse
from django.urls import path
from shop.models import Order
from voucher_payment_gateway import gateway
from voucher_payment_gateway.exceptions import VoucherGatewayError

def pay(request):
    order = Order.objects.create()
    try:
        gateway.authorize(order, request.POST["code"], pin=request.POST.get("pin", ""))
    except VoucherGatewayError as error:
        return HttpResponse(error.code, status=409)
    return HttpResponse(str(order.voucher_due))

urlpatterns = [path("pay/", pay)]
"""
FILES = {
    "config.py": SETTINGS,
    "shop/__init__.py": "",
    "shop/models.py": MODELS,
    "shop/signals.py": SIGNALS,
    "shop/urls.py": URLS,
}
INI = """
[pytest]
pythonpath = .
filterwarnings = error
"""
