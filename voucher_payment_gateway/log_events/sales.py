"""Facts about vouchers that the shop sells."""

from logging import ERROR, INFO, WARNING
from typing import Final

from voucher_payment_gateway.log_events.event import LogEvent

__all__ = ["SaleEvents"]

NOT_DELIVERED: Final = (
    "order %(order_number)s: the code of a sold gift voucher was not delivered: %(problem)s"
)


class SaleEvents:
    """``sale`` is the primary key of the ``VoucherSale``."""

    sale_not_advanced = LogEvent(
        WARNING,
        "order %(order_number)s: a sold gift voucher: %(problem)s",
        *("sale", "account", "error_code"),
    )
    sold_vouchers_not_changed = LogEvent(
        ERROR, "order %(order_number)s: its sold gift vouchers could not be changed: %(error_code)s"
    )
    sale_waits_for_payment = LogEvent(
        ERROR,
        "order %(order_number)s: it was committed as not paid: its gift voucher waits",
        "sale",
    )
    unpaid_sale_kept = LogEvent(
        ERROR,
        "order %(order_number)s: its gift vouchers were never activated, and are not deleted: %(problem)s",
        "sale",
    )
    paid_after_all = LogEvent(
        ERROR,
        "order %(order_number)s: it is paid, and its gift vouchers were given up before, as not paid: activate them",
        "sale",
    )
    line_sold_before = LogEvent(
        WARNING,
        "order %(order_number)s: %(words)s. If the order was paid again, give its line a new key",
        *("code_hint", "sale"),
    )
    not_sold_after_take_back = LogEvent(
        WARNING,
        "order %(order_number)s: it was taken back, and as it is stored now it %(problem)s: a gift voucher of it is "
        "not sold",
    )
    sold_vouchers_unknown = LogEvent(
        ERROR,
        "order %(order_number)s: it is taken back, and which gift vouchers it sells is not known (%(error_code)s): one "
        "whose sale is not written yet may still be sold by an event that comes late",
    )
    line_changed = LogEvent(
        WARNING,
        "order %(order_number)s: its gift voucher …%(code_hint)s over %(amount)s %(currency)s is active and stays so, "
        "but %(words)s",
        *("sale", "line_amount", "line_currency"),
    )
    expires_before_delivery = LogEvent(
        ERROR,
        "order %(order_number)s: its gift voucher expires before it is to be delivered, and will not be sent then: "
        "correct the day of its delivery",
        "sale",
    )
    code_not_delivered = LogEvent(ERROR, NOT_DELIVERED, *("sale", "delivery"))
    code_not_delivered_again = LogEvent(WARNING, NOT_DELIVERED, *("sale", "delivery"))
    reminder_not_sent = LogEvent(
        WARNING,
        "order %(order_number)s: the reminder of a sold gift voucher was not sent: %(problem)s",
        "sale",
    )
    code_handed_over_again = LogEvent(
        INFO,
        "order %(order_number)s: the code of sold gift voucher %(sale)s was handed over again by %(actor)s",
    )
    people_erased = LogEvent(
        INFO,
        "order %(order_number)s: what its gift voucher sales know of people is erased; %(waiting)s wait",
    )
