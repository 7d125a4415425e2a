"""Tell the operator what no customer can mend: one line in the log for each kind of trouble, once in ten minutes."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from voucher_payment_gateway.exceptions import (
    ContractError,
    CredentialsError,
    OutcomeUnknownError,
    PaymentStateError,
    ThrottledError,
    UnavailableError,
    VoucherGatewayError,
)
from voucher_payment_gateway.short_memory import is_first

__all__ = ["ALERT_SECONDS", "WRONG_FACTS", "alert", "alerting"]

logger = logging.getLogger("voucher_payment_gateway")

ALERT_SECONDS = 600
"""The same kind of trouble is logged once within this time, by all processes together as far as they share a cache."""

OURS = {
    *("database_locked", "voucher_being_charged", "voucher_busy", "other_instance"),
    *("activation_may_arrive", "hold_may_be_charged", "delete_refused"),
}
"""Codes of UnavailableError that say nothing of the Voucher Cloud."""


@dataclass(frozen=True)
class Trouble:
    """A kind of trouble: how loud it is, what happened, and what to do."""

    kind: str
    level: int
    text: str


CREDENTIALS = Trouble(
    "credentials",
    logging.ERROR,
    "the Voucher Cloud rejected our credentials: check CLIENT_ID, CLIENT_SECRET and ENVIRONMENT, then run "
    "voucher_doctor. Until then no gift voucher can be redeemed",
)
RIGHT = Trouble(
    "right",
    logging.ERROR,
    "the Voucher Cloud forbids this to our client: grant its client group the right that voucher_doctor names. Should "
    "the doctor find nothing, the Voucher Cloud refuses codes in this way: give its error code a meaning in "
    "ERROR_MEANINGS",
)
CONTRACT = Trouble(
    "contract",
    logging.ERROR,
    "an answer that is not the Voucher Cloud's own, or breaks its documentation: check BASE_URL, TOKEN_URL and the "
    "proxies on the way, then run voucher_doctor",
)
ADDRESS = Trouble(
    "address",
    logging.ERROR,
    "the API is not at BASE_URL, which has no list of vouchers: give it the API's own address with its version, or "
    "leave it out, then run voucher_doctor. Until then no gift voucher can be redeemed",
)
ORDER = Trouble(
    "order",
    logging.ERROR,
    "the shop's own code gives facts of this order with which no gift voucher can pay it",
)
WRONG_FACTS = {
    "amount_malformed",
    "currency_malformed",
    "currency_unsupported",
    "order_malformed",
    "order_unsaved",
}
"""Codes of errors about an order that is wrong, and not only empty or paid."""

AWAY = Trouble(
    "away",
    logging.WARNING,
    "the Voucher Cloud does not answer: customers are asked to try again. Should it last, run voucher_doctor",
)

OF_SETTINGS = {"client_secret": CREDENTIALS, "address_wrong": ADDRESS}
"""Codes of UnavailableError that a setting causes."""


def alert(error: VoucherGatewayError, order_number: str, account: str = "") -> None:
    """Log ``error`` if it is trouble for the operator, with the order and what to do; once in ten minutes per kind and
    merchant account."""
    trouble = _trouble(error)
    if trouble is None or not is_first(f"alert.{trouble.kind}.{account}", ALERT_SECONDS):
        return
    where = f"order {order_number}" + (f", account {account}" if account else "")
    logger.log(trouble.level, "gift vouchers, %s: %s (%s)", where, trouble.text, _facts(error))


@contextmanager
def alerting(order_number: str, account: str = "") -> Iterator[None]:
    """Log an error that leaves this block if it is trouble for the operator."""
    try:
        yield
    except VoucherGatewayError as error:
        alert(error, order_number, account)
        raise


def _trouble(error: VoucherGatewayError) -> Trouble | None:
    if isinstance(error, PaymentStateError):
        return ORDER if error.code in WRONG_FACTS else None
    if isinstance(error, CredentialsError):
        return RIGHT if error.http_status == 403 and error.missing_scope else CREDENTIALS
    if isinstance(error, ContractError):
        return CONTRACT
    if isinstance(error, OutcomeUnknownError):
        return CONTRACT if error.code == "answer_not_ours" or _was_answered(error) else None
    if not isinstance(error, UnavailableError) or error.code in OURS:
        return None
    if error.code in OF_SETTINGS:
        return OF_SETTINGS[error.code]
    if isinstance(error, ThrottledError):
        return AWAY if error.http_status is not None else None
    return CONTRACT if error.code == "answer_not_ours" or _was_answered(error) else AWAY


def _was_answered(error: VoucherGatewayError) -> bool:
    """Return whether there was an answer, and none that speaks of haste or trouble."""
    status = error.http_status
    return status is not None and status < 500 and status not in (408, 429)


def _facts(error: VoucherGatewayError) -> str:
    facts = {
        "error": str(error) if isinstance(error, PaymentStateError) else error.code,
        "status": error.http_status,
        "API code": error.api_code,
        "right": getattr(error, "missing_scope", ""),
    }
    return ", ".join(f"{name} {value}" for name, value in facts.items() if value)
