"""The demo's data: teas, one member of staff, and gift vouchers in the local Voucher Cloud."""

from decimal import Decimal
from typing import NamedTuple

from django.contrib.auth import get_user_model
from django.utils.translation import gettext_noop as _

from shop.models import Product

STAFF_NAME = STAFF_PASSWORD = "staff"


class Voucher(NamedTuple):
    """A gift voucher to try, and a note about it."""

    code: str
    amount: str
    about: str
    pin: str = ""
    status: str = "active"


VOUCHERS = [
    Voucher("GIFT-5000", "50.00", "holds 50.00"),
    Voucher("GIFT-2000", "20.00", "holds 20.00"),
    Voucher("GIFT-3000", "30.00", "holds 30.00, needs the PIN 2468", pin="2468"),
    Voucher("GIFT-0035", "0.35", "nearly empty: 0.35"),
    Voucher("GIFT-1000", "10.00", "not activated: is refused", status="inactive"),
]

TEAS = [  # stored in English, shown in the language of the visitor
    ("first-flush", "First Flush", _("Darjeeling, India"), "18.50", "#6b8f3c", "mountain",
     _("Bright and flowery, from the first pickings of spring.")),
    ("sencha", "Sencha", _("Shizuoka, Japan"), "14.90", "#2f7d5c", "leaf",
     _("Steamed green tea, fresh as a mown meadow.")),
    ("jasmine-pearls", "Jasmine Pearls", _("Fujian, China"), "22.00", "#a8577e", "flower",
     _("Hand-rolled pearls that open slowly and smell of summer nights.")),
    ("earl-grey", "Earl Grey", _("Assam and Calabria"), "11.50", "#3e5c8a", "citrus",
     _("Malty black tea with real oil of bergamot.")),
    ("smoky-lapsang", "Smoky Lapsang", _("Wuyi, China"), "13.20", "#7a4a35", "flame",
     _("Dried over pine fires, for rainy afternoons.")),
    ("hedgerow", "Hedgerow", _("Fruit infusion"), "9.80", "#9a3b4f", "berry",
     _("Elderberry, blackberry and apple, without caffeine.")),
    ("mountain-oolong", "Mountain Oolong", _("Alishan, Taiwan"), "26.40", "#b0782a", "mountain",
     _("Creamy and long, good for five infusions and more.")),
    ("lemon-verbena", "Lemon Verbena", _("Provence, France"), "8.60", "#8a8f2f", "leaf",
     _("Whole leaves, cut in July, mild in the evening.")),
]  # fmt: skip


def seed_shop() -> None:
    """Create the teas and the member of staff, if they are missing."""
    for slug, name, origin, price, tint, motif, description in TEAS:
        Product.objects.get_or_create(
            slug=slug,
            defaults={
                "name": name,
                "origin": origin,
                "price": Decimal(price),
                "tint": tint,
                "motif": motif,
                "description": description,
            },
        )
    users = get_user_model()._default_manager
    if not users.filter(username=STAFF_NAME).exists():
        users.create_superuser(username=STAFF_NAME, password=STAFF_PASSWORD)
