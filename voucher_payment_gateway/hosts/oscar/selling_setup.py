"""The product class of gift vouchers, with its options."""

from typing import Any

from django.db import transaction
from oscar.core.loading import get_model

from voucher_payment_gateway.hosts.oscar.selling import AMOUNT, DAY, EMAIL, MESSAGE, NAME, product_classes

__all__ = ["amount_option", "gift_voucher_class"]

OPTIONS = {
    EMAIL: "E-mail",
    NAME: "Recipient",
    MESSAGE: "Message",
    DAY: "Send on",
}


@transaction.atomic
def gift_voucher_class(name: str = "Gift voucher") -> Any:
    """Return the product class of gift vouchers; make it where it is missing, with the options of a recipient. Safe to
    repeat, such as in a data migration. Gift vouchers need no shipping and have no stock."""
    product_class, _created = get_model("catalogue", "ProductClass").objects.get_or_create(
        slug=product_classes()[0],
        defaults={"name": name, "requires_shipping": False, "track_stock": False},
    )
    for order, (code, label) in enumerate(OPTIONS.items(), start=1):
        kind = "date" if code == DAY else "text"
        product_class.options.add(_option(code, label, kind, order))
    return product_class


def amount_option() -> Any:
    """Return the option by which a buyer chooses the amount: add it to the ``product_options`` of a product. Its price
    is the amount where nothing is entered, and needs ``OwnAmountMixin`` in the shop's strategy."""
    return _option(AMOUNT, "Amount", "float", 0)


def _option(code: str, name: str, kind: str, order: int) -> Any:
    defaults = {"name": name, "type": kind, "order": order, "required": False}
    return get_model("catalogue", "Option").objects.get_or_create(code=code, defaults=defaults)[0]
