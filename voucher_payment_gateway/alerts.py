"""Tell the operator what no customer can mend: one line in the log for each kind of trouble, once in ten minutes."""

from collections.abc import Iterator
from contextlib import contextmanager

from voucher_payment_gateway.exceptions import (
    ContractError,
    CredentialsError,
    OutcomeUnknownError,
    PaymentStateError,
    ThrottledError,
    UnavailableError,
    VoucherGatewayError,
)
from voucher_payment_gateway.log_events import LogEvent, TroubleEvents
from voucher_payment_gateway.short_memory import is_first

__all__ = ["ALERT_SECONDS", "WRONG_FACTS", "alert", "alerting"]

ALERT_SECONDS = 600
"""The same kind of trouble is logged once within this time, by all processes together as far as they share a cache."""

OURS = {
    *("database_locked", "voucher_being_charged", "voucher_busy", "other_instance"),
    *("rate_limited", "activation_may_arrive", "hold_may_be_charged", "delete_refused", "voucher_gone"),
}
"""Codes of UnavailableError that say nothing of the Voucher Cloud."""


WRONG_FACTS = {
    "amount_malformed",
    "currency_malformed",
    "currency_unsupported",
    "order_malformed",
    "order_unsaved",
}
"""Codes of errors about an order that is wrong, and not only empty or paid."""

OF_SETTINGS = {
    "client_secret": TroubleEvents.credentials_rejected,
    "address_wrong": TroubleEvents.api_not_at_address,
}
"""Codes of UnavailableError that a setting causes."""


def alert(error: VoucherGatewayError, order_number: str, account: str = "") -> None:
    """Log ``error`` if it is trouble for the operator, with the order and what to do; once in ten minutes per kind and
    merchant account."""
    trouble = _trouble(error)
    if trouble is None or not is_first(f"alert.{trouble.name}.{account}", ALERT_SECONDS):
        return
    trouble.log(
        _facts(error),
        order_number=order_number,
        account=account,
        error_code=error.code,
        api_code=error.api_code,
        http_status=error.http_status,
        missing_scope=getattr(error, "missing_scope", ""),
    )


@contextmanager
def alerting(order_number: str, account: str = "") -> Iterator[None]:
    """Log an error that leaves this block if it is trouble for the operator."""
    try:
        yield
    except VoucherGatewayError as error:
        alert(error, order_number, account)
        raise


def _trouble(error: VoucherGatewayError) -> LogEvent | None:
    if isinstance(error, PaymentStateError):
        return TroubleEvents.order_facts_wrong if error.code in WRONG_FACTS else None
    if isinstance(error, CredentialsError):
        return (
            TroubleEvents.right_missing
            if error.http_status == 403 and error.missing_scope
            else TroubleEvents.credentials_rejected
        )
    if isinstance(error, ContractError):
        return TroubleEvents.answer_not_theirs
    if isinstance(error, OutcomeUnknownError):
        return (
            TroubleEvents.answer_not_theirs
            if error.code == "answer_not_ours" or _was_answered(error)
            else None
        )
    if not isinstance(error, UnavailableError) or error.code in OURS:
        return None
    if error.code in OF_SETTINGS:
        return OF_SETTINGS[error.code]
    if isinstance(error, ThrottledError):
        return TroubleEvents.voucher_cloud_away if error.http_status is not None else None
    return (
        TroubleEvents.answer_not_theirs
        if error.code == "answer_not_ours" or _was_answered(error)
        else TroubleEvents.voucher_cloud_away
    )


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
