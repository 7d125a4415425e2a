"""The recipe's view and handler of errors."""

from tests.shops.drf.models import current_order  # noqa: F401  used by the recipe
from tests.shops.recipes import run

run("Django REST framework", globals(), "class GiftVouchers")
