"""Trouble that no customer can mend, logged by ``alerts``: once in ten minutes for each kind and account."""

from logging import ERROR, WARNING
from typing import Final

from voucher_payment_gateway.log_events.event import LogEvent

__all__ = ["TroubleEvents"]

FACTS: Final = ("error_code", "api_code", "http_status", "missing_scope")


def _trouble(level: int, text: str) -> LogEvent:
    sentence = "gift vouchers, order %(order_number)s%(and_account)s: " + text + " (%(words)s)"
    return LogEvent(level, sentence, "account", *FACTS)


class TroubleEvents:
    """Each has the same fields, so that an alert logs whichever it is."""

    credentials_rejected = _trouble(
        ERROR,
        "the Voucher Cloud rejected our credentials: check CLIENT_ID, CLIENT_SECRET and ENVIRONMENT, then run "
        "voucher_doctor. Until then no gift voucher can be redeemed",
    )
    right_missing = _trouble(
        ERROR,
        "the Voucher Cloud forbids this to our client: grant its client group the right that voucher_doctor names. "
        "Should the doctor find nothing, the Voucher Cloud refuses codes in this way: give its error code a meaning in "
        "ERROR_MEANINGS",
    )
    answer_not_theirs = _trouble(
        ERROR,
        "an answer that is not the Voucher Cloud's own, or breaks its documentation: check BASE_URL, TOKEN_URL and the "
        "proxies on the way, then run voucher_doctor",
    )
    api_not_at_address = _trouble(
        ERROR,
        "the API is not at BASE_URL, which has no list of vouchers: give it the API's own address with its version, or "
        "leave it out, then run voucher_doctor. Until then no gift voucher can be redeemed",
    )
    order_facts_wrong = _trouble(
        ERROR, "the shop's own code gives facts of this order with which no gift voucher can pay it"
    )
    voucher_cloud_away = _trouble(
        WARNING,
        "the Voucher Cloud does not answer: customers are asked to try again. Should it last, run voucher_doctor",
    )
