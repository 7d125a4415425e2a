from django.apps import AppConfig


class ShopConfig(AppConfig):
    """The example shop."""

    name = "shop"
    verbose_name = "Tea shop"

    def ready(self) -> None:
        from shop import gift_sales  # noqa: F401  its receiver tops up gift vouchers
