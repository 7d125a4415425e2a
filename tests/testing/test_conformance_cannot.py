"""What a shop says that it cannot do, and what happens where it says nothing or something untrue."""

import pytest

from tests.docs.pages import ROOT
from tests.testing.shop_by_signals import ShopBySignals
from voucher_payment_gateway.testing import VoucherConformance

pytest_plugins = "pytester"

PAYS, NAME = "test_one_voucher_pays_everything", "one_voucher_pays_everything"
REASON = "this shop gives everything away"


class SendsNoSignal(ShopBySignals):
    cannot = {NAME: REASON}  # noqa: RUF012

    def ship(self, order):
        """Send the goods, and tell nobody."""


def played(cls, name, request, caplog):
    """Play a situation, and return what ended it."""
    suite = cls()
    with suite.prepared(request, caplog):
        try:
            getattr(suite, name)()
        except BaseException as ended:  # a skip is no Exception
            return ended
    return None


def test_a_situation_that_a_shop_cannot_do_is_skipped_with_its_reason(request, transactional_db, caplog):
    ended = played(SendsNoSignal, PAYS, request, caplog)
    assert isinstance(ended, pytest.skip.Exception)
    assert ended.msg == f"this shop cannot: {REASON}"
    assert ended.is_declared


def test_a_situation_that_passes_although_the_shop_cannot_do_it_is_reported(
    request, transactional_db, caplog
):
    can = type("Can", (ShopBySignals,), {"cannot": {NAME: REASON}})
    ended = played(can, PAYS, request, caplog)
    assert isinstance(ended, pytest.fail.Exception)
    assert ended.msg == f'cannot: "{NAME}" passes, so this shop can do it. Remove the entry: {REASON}'


def test_a_hook_that_a_shop_does_not_have_is_named(request, transactional_db, caplog):
    without = type("Without", (ShopBySignals,), {"cancel": VoucherConformance.cancel, "cannot": {}})
    ended = played(without, "test_cancelled_twice", request, caplog)
    assert isinstance(ended, pytest.skip.Exception)
    assert ended.msg.startswith("the shop has no cancel(): define it, or say in cannot")
    assert not hasattr(ended, "is_declared")


def test_a_hook_that_a_shop_cannot_have_is_skipped_with_its_reason(request, transactional_db, caplog):
    named = {"cancel": VoucherConformance.cancel, "cannot": {"cancel": "orders are final"}}
    ended = played(type("Without", (ShopBySignals,), named), "test_cancelled_twice", request, caplog)
    assert ended.msg == "this shop cannot: orders are final"
    assert ended.is_declared


@pytest.mark.parametrize(
    ("entry", "says"),
    [
        ({"one_voucher_pays_everythin": REASON}, f'no situation and no hook .* Do you mean "{NAME}"?'),
        ({"xyz": REASON}, 'no situation and no hook has the name "xyz".$'),
        ({NAME: " "}, "say why"),
        ({"cancel": "orders are final"}, 'the shop has the hook "cancel"'),
    ],
)
def test_an_entry_that_says_nothing_true_is_an_error(entry, says):
    with pytest.raises(ValueError, match=says):
        type("Wrong", (ShopBySignals,), {"cannot": entry})


@pytest.mark.parametrize("hook", ["make_order", "confirm", "ship", "return_goods"])
def test_a_hook_that_every_shop_has_says_what_it_is_for(hook):
    with pytest.raises(NotImplementedError, match=hook):
        getattr(VoucherConformance(), hook)(None)


CONFTEST = f"""
import sys
sys.path.insert(0, {str(ROOT)!r})
from tests.conftest import _NoSkips

def pytest_configure(config):
    config.pluginmanager.register(_NoSkips())
"""

SKIPS = """
import pytest
from voucher_payment_gateway.testing.conformance.skips import declared

def test_a_part_is_missing():
    pytest.skip("no browser")

def test_a_shop_cannot():
    raise declared("orders are final")
"""


def test_where_every_part_must_be_there_a_shop_may_still_say_what_it_cannot(shop):
    shop.write("conftest.py", CONFTEST)
    ran = shop.test(SKIPS, "-W", "ignore")
    ran.assert_outcomes(failed=1, skipped=1)
    ran.stdout.fnmatch_lines(["*skipped although every part must be there: Skipped: no browser"])


LITTLE = """
from shop.models import Order
from shop.signals import shipped
from voucher_payment_gateway import gateway
from voucher_payment_gateway.conf import gateway_settings
from voucher_payment_gateway.testing import VoucherConformance

class TestLittleShop(VoucherConformance):
    def make_order(self, total):
        return Order.objects.create(total=total)

    def confirm(self, order):
        assert gateway_settings().DEADLINE_SECONDS == 12
        gateway.authorize_selected(order)

    def ship(self, order):
        shipped.send(sender=Order, order=order)

    def return_goods(self, order):
        gateway.refund(order)
"""


def test_a_shop_needs_four_hooks_and_its_own_settings_stay(shop):
    chosen = f"{NAME} or returned_twice or killed_after_a_charge or parts_come_back"
    ran = shop.test(LITTLE, "-rs", "-k", chosen)
    ran.stdout.fnmatch_lines(["*2 passed, 2 skipped*"])
    ran.stdout.fnmatch_lines_random(["*the test database is in memory*", "*the shop has no return_part()*"])
