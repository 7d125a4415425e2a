"""Shops with one mistake each in what a customer enters and sees at the checkout. ``PLANTED`` lists them."""

import logging
from contextlib import suppress

from django.contrib.sessions.backends.db import SessionStore

from tests.shop.models import Order
from tests.testing.planted_shop import PlantedShop
from voucher_payment_gateway import gateway
from voucher_payment_gateway.exceptions import VoucherGatewayError

__all__ = ["PLANTED"]


class PlacesWhatWasRefused(PlantedShop):
    found_by, says = "a_wrong_code_holds_nothing", "accepted a code that pays nothing"

    def enter_voucher(self, order, code, pin=""):
        with suppress(VoucherGatewayError):
            super().enter_voucher(order, code, pin)


class ForgetsThePin(PlantedShop):
    found_by, says = "a_voucher_with_a_pin_pays", "cannot be|unusable|not be used|refused"

    def enter_voucher(self, order, code, pin=""):
        super().enter_voucher(order, code)


class KeepsOneVoucher(PlantedShop):
    found_by, says = "several_vouchers_pay_together", "30.00 is still due, and it is 0.00"

    def enter_voucher(self, order, code, pin=""):
        for payment in self.payments(order):
            gateway.cancel(payment)
        super().enter_voucher(order, code, pin)


class AsksForTheWholePrice(PlantedShop):
    found_by, says = "one_voucher_pays_a_part", "50.00 is still due, and it is 30.00"

    def due_of(self, order):
        return self.reload(order).total


class StoresTheCode(PlantedShop):
    found_by, says = "a_code_is_kept_nowhere_in_clear", "in clear in the order's note"

    def enter_voucher(self, order, code, pin=""):
        super().enter_voucher(order, code, pin)
        Order.objects.filter(pk=order.pk).update(note=f"paid by {code}")


class LogsTheCode(PlantedShop):
    found_by, says = "a_code_is_kept_nowhere_in_clear", "in clear in the log"

    def enter_voucher(self, order, code, pin=""):
        logging.getLogger("shop").debug("entered %s", code)
        super().enter_voucher(order, code, pin)


class RemembersTheCode(PlantedShop):
    found_by, says = "a_code_is_kept_nowhere_in_clear", "in clear in a session"

    def enter_voucher(self, order, code, pin=""):
        session = SessionStore()
        session["voucher"] = code
        session.save()
        super().enter_voucher(order, code, pin)


class LetsVisitorsGuess(PlantedShop):
    found_by, says = "guessing_ends", "wrong codes were all sent"

    def enter_voucher(self, order, code, pin=""):
        gateway.authorize(self.reload(order), code, pin=pin)


PLANTED = [
    shop for shop in vars().copy().values() if isinstance(shop, type) and PlantedShop in shop.__bases__
]
