"""The conformance suite: a pytest class that plays many situations against a shop and compares the money each time.

from voucher_payment_gateway.testing import VoucherConformance

class TestMyShop(VoucherConformance):
    def make_order(self, total): ...
    def confirm(self, order): ...
    def ship(self, order): ...
    def return_goods(self, order): ...
"""

from voucher_payment_gateway.testing.conformance.answers import Answers
from voucher_payment_gateway.testing.conformance.books import Books
from voucher_payment_gateway.testing.conformance.changes import Changes
from voucher_payment_gateway.testing.conformance.codes import Codes
from voucher_payment_gateway.testing.conformance.crashes import Crashes
from voucher_payment_gateway.testing.conformance.holds import Holds
from voucher_payment_gateway.testing.conformance.paying import Paying
from voucher_payment_gateway.testing.conformance.repeats import Repeats
from voucher_payment_gateway.testing.conformance.returns import Returns
from voucher_payment_gateway.testing.conformance.situation import check_declared
from voucher_payment_gateway.testing.conformance.transactions import Transactions

__all__ = ["VoucherConformance"]


class VoucherConformance(
    Paying, Codes, Repeats, Transactions, Holds, Answers, Crashes, Changes, Returns, Books
):
    """Subclass it in a test module of your shop, with the four hooks ``make_order``, ``confirm``, ``ship`` and
    ``return_goods``; pytest then runs every situation.

    Needs pytest-django: each situation commits, as production does. What the shop cannot do is named in ``cannot``.
    """

    def __init_subclass__(cls, **options: object) -> None:
        super().__init_subclass__(**options)
        check_declared(cls)
