from django.apps import AppConfig


class CustomPkConfig(AppConfig):
    name = "tests.shops.custom_pk"
    label = "custom_pk"
