from django.apps import AppConfig


class ForeignModelConfig(AppConfig):
    name = "tests.shops.foreign_model"
    label = "foreign_model"
