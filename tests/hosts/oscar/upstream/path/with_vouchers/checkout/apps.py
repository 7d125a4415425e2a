from tests._site.apps.checkout import apps


class CheckoutConfig(apps.CheckoutConfig):
    name = "with_vouchers.checkout"
