from django.apps import AppConfig


class AtomicConfig(AppConfig):
    name = "tests.shops.atomic"
    label = "shop"
