"""Shops with one mistake each, and the situation that must find it. ``PLANTED`` lists them."""

import threading
from contextlib import suppress

from django.db import connection, connections

from tests.shop.models import Order
from tests.testing.planted_shop import PlantedShop
from tests.testing.shop_by_signals import ShopBySignals
from voucher_payment_gateway import gateway
from voucher_payment_gateway.connection import voucher_cloud
from voucher_payment_gateway.exceptions import VoucherGatewayError
from voucher_payment_gateway.models import VoucherOperation

__all__ = ["PLANTED"]


class SendsNoSignal(PlantedShop):
    found_by, says = "one_voucher_pays_everything", "booked is nothing, to be booked was charge 30.00"

    def ship(self, order):
        Order.objects.filter(pk=order.pk).update(status="shipped")


class CapturesOnConfirm(PlantedShop):
    found_by, says = "nothing_is_charged_before_the_goods_are_sent", "booked is charge 30.00"

    def confirm(self, order):
        super().confirm(order)
        self.ship(order)


class NeverConfirms(PlantedShop):
    found_by, says = "the_hold_lapses_before_the_goods_are_sent", "30.00 is still due, and it is 0.00"

    def confirm(self, order):
        Order.objects.filter(pk=order.pk).update(status="confirmed")


class ForgetsToCancel(PlantedShop):
    found_by, says = "cancelled_before_it_was_sent", "0.00 is still due, and it is 30.00"

    def cancel(self, order):
        Order.objects.filter(pk=order.pk).update(status="cancelled")


class KeepsTheMoneyOfCancelledOrders(PlantedShop):
    found_by, says = "cancelled_after_it_was_shipped", "30.00 is charged, not 0.00"

    def cancel(self, order):
        with suppress(VoucherGatewayError):
            gateway.cancel(self.reload(order), refund=False)


class ForgetsTheReturn(PlantedShop):
    found_by, says = "a_return_gives_everything_back", "to be booked was charge 30.00, refund 30.00"

    def return_goods(self, order):
        Order.objects.filter(pk=order.pk).update(status="returned")


class RefundsTheWholeTotal(PlantedShop):
    found_by, says = "a_return_gives_back_what_the_voucher_paid", "only 20.00 .* can still go back"

    def return_goods(self, order):
        gateway.refund(self.reload(order), order.total)


class ReturnsEverythingForAPart(PlantedShop):
    found_by, says = "parts_come_back_one_after_the_other", "0.00 is charged, not 20.00"

    def return_part(self, order, amount):
        self.return_goods(order)


class ChargesEveryParcelInFull(PlantedShop):
    found_by, says = "parcels_of_one_order_are_charged_in_parts", "30.00 is charged, not 10.00"

    def ship_part(self, order, amount):
        self.ship(order)


class SwallowsErrors(PlantedShop):
    found_by, says = "an_order_that_is_not_paid_any_more_is_not_sent", "the goods were sent although"

    def ship(self, order):
        with suppress(Exception):
            super().ship(order)


class TidiesFailuresAway(PlantedShop):
    found_by, says = "an_order_that_is_not_paid_any_more_is_reported", "nobody learns"

    def ship(self, order):
        try:
            super().ship(order)
        except VoucherGatewayError:
            gateway.cancel(self.reload(order))
            raise


class SavesTheStaleOrder(PlantedShop):
    found_by, says = "an_order_that_is_saved_late_keeps_its_reservation_ids", r"names the reservations \[\]"

    def save(self, order):
        columns = {
            field.name: getattr(order, field.name) for field in Order._meta.fields if not field.primary_key
        }
        Order.objects.filter(pk=order.pk).update(**columns)


class ChargesInAThread(PlantedShop):
    found_by, says = "shipping_is_rolled_back", "booked is charge 30.00, to be booked was nothing"

    def ship(self, order):
        worker = threading.Thread(target=self._charge, args=(order,))
        worker.start()
        worker.join()

    def _charge(self, order):
        try:
            ShopBySignals.ship(self, order)
        finally:
            connections.close_all()


class CommitsTooEarly(PlantedShop):
    found_by, says = "money_moves_after_the_commit", "booked is charge 30.00, to be booked was nothing"
    ship, _charge = ChargesInAThread.ship, ChargesInAThread._charge


class ChargesByItself(PlantedShop):
    found_by, says = "one_voucher_pays_everything", "reconcile: theirs_only"

    def ship(self, order):
        for payment in self.payments(order):
            voucher_cloud().charge(payment.reservation_id, order.number)


class RefundsByItself(PlantedShop):
    found_by, says = "a_return_gives_everything_back", "payments say that 30.00 was paid"

    def return_goods(self, order):
        for charge in VoucherOperation.objects.filter(payment__order_number=order.number, kind="charge"):
            voucher_cloud().refund(charge.remote_id, charge.amount, charge.currency)


class DecidesUnknownChargesByHand(PlantedShop):
    found_by, says = "shipped_again_while_the_charge_is_not_known", "a person has to see to"

    def ship(self, order):
        VoucherOperation.objects.filter(state="unknown").update(state="refused")
        super().ship(order)


class GivesUp:
    """Cancels an order whose charge is not known yet, as if it had failed."""

    def ship(self, order):
        super().ship(order)
        if any(payment.pending for payment in self.payments(order)):
            gateway.cancel(self.reload(order))


class GivesUpAfterALostAnswer(GivesUp, PlantedShop):
    found_by, says = "the_answer_to_a_charge_is_lost", "booked is .*refund"


class GivesUpInAnOutage(GivesUp, PlantedShop):
    found_by, says = "an_outage_when_the_goods_are_sent", "booked is nothing, to be booked was charge 30.00"


class DeletesRows(PlantedShop):
    found_by, says = "deleted_after_it_was_paid", "30.00 is charged, not 0.00"

    def delete(self, order):
        with connection.cursor() as cursor:
            cursor.execute("DELETE FROM shop_order WHERE id = %s", [order.pk])


class CallsForEveryOrder(PlantedShop):
    found_by, says = "an_order_without_vouchers_is_left_alone", "Voucher Cloud was called|no service"

    def confirm(self, order):
        voucher_cloud().authenticate()
        super().confirm(order)


class ShipsCancelledOrders(PlantedShop):
    found_by, says = "shipped_after_it_was_cancelled", "30.00 is charged, not 0.00"

    def enter_voucher(self, order, code, pin=""):
        order.code = code
        super().enter_voucher(order, code, pin)

    def ship(self, order):
        if not self.payments(order).exclude(status="cancelled").exists():
            gateway.authorize(self.reload(order), order.code)
        super().ship(order)


class PlacesANewOrderPerClick(PlantedShop):
    found_by, says = "a_double_click_on_confirm", "reconcile|booked is charge 30.00, charge 30.00"

    def enter_voucher(self, order, code, pin=""):
        order.code = code
        super().enter_voucher(order, code, pin)

    def confirm(self, order):
        if self.reload(order).status == "confirmed":
            again = self.make_order(order.total)
            super().enter_voucher(again, order.code)
            ShopBySignals.confirm(self, again)
            ShopBySignals.ship(self, again)
        Order.objects.filter(pk=order.pk).update(status="confirmed")
        super().confirm(order)


class RefundsOncePerClick(PlantedShop):
    found_by, says = "returned_twice", "refund 30.00, recharge 30.00|recharge"

    def return_goods(self, order):
        if self.reload(order).status == "returned":
            for voucher in self.vouchers:
                gateway.top_up(voucher.code, order.total, key=f"again-{order.number}")
        super().return_goods(order)
        Order.objects.filter(pk=order.pk).update(status="returned")


class ChargesWhatWasAgreed(PlantedShop):
    found_by, says = "the_total_is_lowered_after_the_order_was_placed", "only 20.00 are due"

    def ship(self, order):
        gateway.capture(self.reload(order), order.total)


PLANTED = [
    shop for shop in vars().copy().values() if isinstance(shop, type) and PlantedShop in shop.__bases__
]
