"""Facts about payments, and about the orders that vouchers pay for."""

from logging import ERROR, INFO, WARNING
from typing import Final

from voucher_payment_gateway.docs_url import docs_url
from voucher_payment_gateway.log_events.event import LogEvent

__all__ = ["PaymentEvents"]

COPIES: Final = docs_url("how-to/restores-and-copies")

CHANGED: Final = (
    "order %(order_number)s was changed: %(amount)s instead of %(amount_planned)s are charged to a gift "
    "voucher"
)


class PaymentEvents:
    """Where the fields name an order, it is the one that is paid, or that sells."""

    # the verbs
    nothing_due = LogEvent(
        WARNING,
        "gift vouchers: nothing is due on order %(order_number)s any more, so nothing was captured",
    )
    all_went_back = LogEvent(
        WARNING,
        "gift vouchers: all that was paid for order %(order_number)s went back, so nothing was captured: %(words)s are "
        "due",
        *("amount", "currency"),
    )
    charge_changed_with_order = LogEvent(INFO, CHANGED, *("operation", "currency"))
    charge_dropped_with_order = LogEvent(WARNING, CHANGED, *("operation", "currency"))
    not_sent_after_commit = LogEvent(
        WARNING,
        "order %(order_number)s: %(kind)s of a gift voucher: %(error_code)s",
        *("operation", "amount", "currency"),
    )
    not_held_again = LogEvent(
        WARNING,
        "order %(order_number)s was changed: its gift vouchers could not be held again: %(error_code)s",
    )
    order_number_reused = LogEvent(
        ERROR,
        "order %(order_number)s: its number was used before, and gift vouchers paid for that order. Cancel those "
        "payments, or give this order another number",
    )
    voucher_tax_unknown = LogEvent(
        WARNING,
        "TAXABLE_VOUCHERS: the Voucher Cloud does not say of a voucher whether VAT was paid at its sale, so it was "
        "refused",
    )
    code_normaliser_failed = LogEvent(ERROR, "CODE_NORMALISER failed: %(exception)s")

    # a person must decide
    review_needed = LogEvent(
        ERROR,
        "a gift voucher operation needs review: operation %(operation)s%(of_account)s, %(error_code)s",
        *("account", "order_number", "kind", "amount", "currency", "voucher_id"),
    )
    charged_elsewhere = LogEvent(
        ERROR,
        "order %(order_number)s is charged by a booking that our records do not have (%(words)s): was a backup put "
        f"back, or a database copied? It is not charged again; see voucher_review and {COPIES}",
        *("operation", "account", "booking_ids"),
    )
    refunded_elsewhere = LogEvent(
        ERROR,
        "order %(order_number)s: the charge of this refund went back already, by a refund that our records do not "
        "have: by hand, or was a backup put back, or a database copied? It is not refunded again; see voucher_review "
        f"and {COPIES}",
        *("operation", "account"),
    )

    # events and statuses of the shop
    status_verb_refused = LogEvent(
        ERROR,
        "gift vouchers: %(verb)s by status was not possible: %(problem)s",
        *("order_number", "error_code"),
    )
    status_verb_failed = LogEvent(
        ERROR, "gift vouchers: %(verb)s by status of order %(order_number)s failed: %(exception)s"
    )
    status_not_followed = LogEvent(
        ERROR, "gift vouchers: %(verb)s by status of order %(order_number)s was not possible: %(problem)s"
    )
    earlier_refund_undecided = LogEvent(
        ERROR,
        "gift vouchers: an earlier refund was refused or needs review; %(verb)s this order by hand",
        "order_number",
    )
    event_without_effect = LogEvent(
        WARNING, "gift vouchers: no %(verb)s: %(problem)s", *("order_number", "error_code")
    )
    refund_waits = LogEvent(
        WARNING,
        "order %(order_number)s: the gift vouchers that it sold are being taken back; its %(verb)s follows once "
        "they are",
    )
    refund_given_up = LogEvent(
        ERROR,
        "order %(order_number)s: the %(verb)s that was to follow the return of its sold gift vouchers was not made: "
        "%(problem)s. Take them back, or refund it by hand",
    )
    left_to_settle = LogEvent(
        WARNING,
        "gift vouchers: order %(order_number)s: stored, settle will finish it: %(error_code)s",
    )
    order_unreadable = LogEvent(ERROR, "order %(order_number)s cannot be read: %(exception)s")

    # the checkout
    order_not_shown = LogEvent(ERROR, "gift vouchers: the order cannot be shown: %(problem)s", "error_code")
    authorization_scheme_unknown = LogEvent(
        WARNING,
        "gift vouchers: a request without cookies has the Authorization scheme %(scheme)s, which needs a CSRF token; "
        "Bearer, DPoP, JWT and Token need none",
    )
