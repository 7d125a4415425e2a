from django.apps import AppConfig


class MoneyConfig(AppConfig):
    name = "tests.shops.money"
    label = "shop"
