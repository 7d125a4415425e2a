"""What both Oscar shops do the same in the conformance suite: what the clerk does, and what the order says."""

from voucher_payment_gateway.testing import VoucherConformance

__all__ = ["OscarConformance"]


class OscarConformance(VoucherConformance):
    """The hooks on a ``Checkout``, the customer with one basket, whose ``desk`` is the clerk."""

    def enter_voucher(self, order, code, pin=""):
        order.enter(code, pin)

    def remove_voucher(self, order, code):
        order.remove(code)

    def ship(self, order):
        order.desk.ship()

    def ship_part(self, order, amount):
        order.desk.ship(int(amount / order.price))

    def return_goods(self, order):
        order.desk.give_back(order.desk.paid_by_vouchers())

    def return_part(self, order, amount):
        order.desk.give_back_later(amount)

    def delete(self, order):
        order.desk.delete()

    def reload(self, order):
        return order.in_another_tab()

    def number_of(self, order):
        return order.number

    def paid_otherwise(self, order):
        return order.desk.paid_otherwise()

    def voucher_fields(self, order):
        return order.desk.stored()
