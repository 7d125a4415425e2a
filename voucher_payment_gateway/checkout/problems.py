"""What may keep a visitor's wish from being done: for each a stable code, an HTTP status and a sentence."""

from dataclasses import dataclass, replace
from typing import Any

from voucher_payment_gateway.checkout import wording
from voucher_payment_gateway.exceptions import (
    AmountError,
    ContractError,
    CredentialsError,
    CurrencyMismatchError,
    InsufficientBalanceError,
    OperationInProgressError,
    OutcomeUnknownError,
    PaymentStateError,
    RefusedError,
    ReservationClosedError,
    ThrottledError,
    UnavailableError,
    VoucherGatewayError,
    VoucherUnusableError,
    WrongStateError,
)

__all__ = ["PROBLEMS", "Problem", "problem_of"]


@dataclass(frozen=True)
class Problem:
    """One kind of trouble. ``code`` is stable, ``field`` names the input that it is about, where it is about one."""

    code: str
    status: int
    sentence: Any
    field: str = ""
    retry_after_seconds: float | None = None

    @property
    def message(self) -> str:
        """What the visitor reads, in the language of the request."""
        return str(self.sentence)


PROBLEMS = {
    problem.code: problem
    for problem in (
        Problem("malformed", 400, wording.MALFORMED),
        Problem("page_outdated", 403, wording.PAGE_OUTDATED),
        Problem("post_needed", 405, wording.POST_NEEDED),
        Problem("no_order", 409, wording.NO_ORDER),
        Problem("not_on_order", 409, wording.NOT_ON_ORDER, "payment"),
        Problem("code_missing", 422, wording.CODE_MISSING, "code"),
        Problem("voucher_unusable", 422, wording.UNUSABLE, "code"),
        Problem("refused", 422, wording.SENTENCES[RefusedError], "code"),
        Problem("insufficient_balance", 422, wording.SENTENCES[InsufficientBalanceError], "code"),
        Problem("currency_mismatch", 422, wording.SENTENCES[CurrencyMismatchError], "code"),
        Problem("reservation_closed", 409, wording.SENTENCES[ReservationClosedError], "code"),
        Problem("order_currency_changed", 409, wording.ORDER_CURRENCY_CHANGED),
        Problem("too_many_vouchers", 409, wording.TOO_MANY_VOUCHERS),
        Problem("nothing_due", 409, wording.SENTENCES[AmountError]),
        Problem("wrong_state", 409, wording.SENTENCES[WrongStateError]),
        Problem("payment_state", 409, wording.SENTENCES[PaymentStateError]),
        Problem("operation_in_progress", 409, wording.SENTENCES[OperationInProgressError]),
        Problem("outcome_unknown", 409, wording.SENTENCES[OutcomeUnknownError]),
        Problem("throttled", 429, wording.SENTENCES[ThrottledError]),
        Problem("unavailable", 503, wording.SENTENCES[UnavailableError]),
        Problem("error", 503, wording.SENTENCES[VoucherGatewayError]),
    )
}

CODES: dict[type[VoucherGatewayError], str] = {
    RefusedError: "refused",
    VoucherUnusableError: "voucher_unusable",
    InsufficientBalanceError: "insufficient_balance",
    CurrencyMismatchError: "currency_mismatch",
    ReservationClosedError: "reservation_closed",
    UnavailableError: "unavailable",
    ThrottledError: "throttled",
    CredentialsError: "unavailable",
    ContractError: "unavailable",
    OutcomeUnknownError: "outcome_unknown",
    PaymentStateError: "payment_state",
    AmountError: "nothing_due",
    WrongStateError: "wrong_state",
    OperationInProgressError: "operation_in_progress",
    VoucherGatewayError: "error",
}
"""How a visitor hears of an error. The shop's own trouble (credentials, contract) is no concern of theirs."""


def problem_of(error: VoucherGatewayError) -> Problem:
    """Return what a visitor is told about ``error``: constant for every unusable code, true about the money."""
    if error.code in wording.SENTENCES_BY_CODE:
        return PROBLEMS[error.code]
    problem = PROBLEMS[next(CODES[cls] for cls in type(error).__mro__ if cls in CODES)]
    return replace(problem, retry_after_seconds=getattr(error, "retry_after_seconds", None))
