from django.apps import AppConfig


class HeadlessConfig(AppConfig):
    name = "tests.shops.headless"
    label = "headless"
