"""The numbered checks of a shop that sells gift vouchers: a part of the catalogue."""

from typing import Final

from voucher_payment_gateway.checks.check import SETTINGS, Check
from voucher_payment_gateway.docs_url import docs_url

__all__ = ["SELLING"]

SELLING: Final = {
    "E052": Check(
        keys=("SOLD_VOUCHERS", "ORDER_IS_PAID", "CUSTOMER_ORDERS"),
        messages={
            "no_callable": "{NAME}: {key}: {path!r} is not a callable that can be imported: {problem}.",
            "wrong_call": "{NAME}: {key}: {path!r} {problem}.",
        },
        cure="Name a function by its dotted path. SOLD_VOUCHERS takes an order and returns a list of SoldVoucher, "
        "ORDER_IS_PAID takes an order and returns True or False, CUSTOMER_ORDERS takes the request and returns the "
        f"numbers of the visitor's orders: {SETTINGS}#selling-gift-vouchers",
    ),
    "E053": Check(
        messages={
            "no_key": "{NAME}: SOLD_VOUCHERS: is set, but SEALING_KEYS has no key: no voucher is sold."
        },
        cure="Set a key: the code of a sold voucher is stored, sealed, until it is handed over: "
        f"{docs_url('how-to/rotate-sealing-keys')}",
    ),
    "W054": Check(
        messages={"no_activate": "{NAME}: {keys}: nothing drives activate: no sold voucher becomes valid."},
        cure="Add the signal or status that says that an order is paid: "
        f"{docs_url('how-to/drive-payments-by-events')}. If your code calls gateway.activate itself, put this check "
        "into SILENCED_SYSTEM_CHECKS.",
    ),
    "E055": Check(
        keys=(
            *("VOUCHER_DELIVERY", "VOUCHERS_PAY_FOR_VOUCHERS", "UNPAID_SALE_DAYS", "REMIND_DAYS"),
            *("REFUND_FALLBACK", "BALANCE_CHECK", "CURRENCY", "SHOP_URL", "MAIL_FROM"),
        ),
        cure=f"See {SETTINGS}#selling-gift-vouchers for the values that this key takes.",
    ),
    "W056": Check(
        messages={
            "unheard": '{NAME}: VOUCHER_DELIVERY: is "signal", but no receiver is connected to voucher_activated: no '
            "code reaches its buyer."
        },
        cure="Connect a receiver to voucher_payment_gateway.signals.voucher_activated in AppConfig.ready(): "
        f"{docs_url('reference/signals')}",
    ),
    "W057": Check(
        messages={
            "no_mail": '{NAME}: VOUCHER_DELIVERY: is "mail", but {backend} sends no mail: the codes of sold vouchers '
            "are lost."
        },
        cure="Use a mail backend that sends, such as django.core.mail.backends.smtp.EmailBackend, or another delivery.",
    ),
}
