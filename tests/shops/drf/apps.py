from django.apps import AppConfig


class DrfConfig(AppConfig):
    name = "tests.shops.drf"
    label = "shop"
