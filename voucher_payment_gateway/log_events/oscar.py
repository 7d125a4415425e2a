"""Facts about orders of django-oscar whose vouchers the adapter looks after."""

from logging import ERROR
from typing import Final

from voucher_payment_gateway.log_events.event import LogEvent

__all__ = ["OscarEvents"]

PLACED: Final = "order %(order_number)s was placed, but "


class OscarEvents:
    """Each is about an order that stands, although something around it failed."""

    after_placement_failed = LogEvent(
        ERROR,
        PLACED
        + "what Oscar does after that failed: %(exception)s. The customer was shown the placed order; was the "
        "confirmation sent?",
        traceback=True,
    )
    not_confirmed = LogEvent(ERROR, PLACED + "its gift vouchers could not be confirmed: %(error_code)s")
    placed_with_less = LogEvent(
        ERROR,
        PLACED + "its gift vouchers cover less than at its checkout: %(words)s are to be paid another way",
    )
