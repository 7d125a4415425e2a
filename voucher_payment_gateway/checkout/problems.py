"""Why a visitor's request was not carried out: each problem with its code, HTTP status, sentence and field.

Three tables, by how a problem is found: by the endpoints themselves, by the class of an error (in the order of the tree
in ``exceptions.py``), by the finer code of an error.
"""

from dataclasses import dataclass, replace
from math import ceil
from typing import Any

from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from voucher_payment_gateway.alerts import WRONG_FACTS
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

__all__ = [
    "CODE_MISSING",
    "ERROR_PROBLEMS",
    "FINER_PROBLEMS",
    "MALFORMED",
    "NOT_ON_ORDER",
    "NOT_POSSIBLE",
    "NO_ORDER",
    "PAGE_OUTDATED",
    "POST_NEEDED",
    "PROBLEMS",
    "THROTTLED",
    "UNAVAILABLE",
    "UNKNOWN_SCHEME",
    "UNUSABLE",
    "Problem",
    "error_message",
    "problem_of",
]

FEW_MINUTES, STEP_MINUTES, MOST_MINUTES = 10, 5, 120


@dataclass(frozen=True)
class Problem:
    """``code`` is stable, ``sentence`` is translated late, ``field`` names the input at fault, if there is one.
    ``is_untold`` where the page has no messages that say it."""

    code: str
    status: int
    sentence: Any
    field: str = ""
    retry_after_seconds: float | None = None
    is_untold: bool = False

    @property
    def message(self) -> str:
        """The sentence in the language of the request, with the time to wait where it is known."""
        if self.code == THROTTLED.code and self.retry_after_seconds is not None:
            return f"{self.sentence} {str(TRY_AGAIN_IN) % {'wait': wait_text(self.retry_after_seconds)}}"
        return str(self.sentence)


MALFORMED = Problem(
    "malformed",
    400,
    _("Your browser sent something that cannot be read. Nothing was taken from your gift voucher."),
)
PAGE_OUTDATED = Problem(
    "page_outdated",
    403,
    _(
        "This page was open for too long, or your browser blocks cookies. Nothing was taken from your gift voucher; "
        "please go back, reload the page and try again."
    ),
)
UNKNOWN_SCHEME = Problem(
    "unknown_scheme",
    403,
    _(
        "The app or page that sent this does not identify itself in a way that this shop accepts. "
        "Nothing was taken from your gift voucher."
    ),
)
"""A storefront's Authorization scheme that may not go without a CSRF token: for its developers, who read the code."""
POST_NEEDED = Problem(
    "post_needed", 405, _("This address cannot be opened. Please use the buttons of the checkout page.")
)
NO_ORDER = Problem(
    "no_order", 409, _("There is no order to pay just now. Nothing was taken from your gift voucher.")
)
NOT_ON_ORDER = Problem(
    "not_on_order", 409, _("This gift voucher is no longer part of your order."), "payment"
)
CODE_MISSING = Problem("code_missing", 422, _("Please enter the code of your gift voucher."), "code")

NOT_POSSIBLE = Problem(
    "payment_state", 409, _("That is not possible for this order any more. Nothing was taken.")
)

UNUSABLE = Problem(
    "voucher_unusable",
    422,
    _("This gift voucher cannot be redeemed. Please check the code and the PIN. Nothing was taken from it."),
    "code",
)
"""One constant answer for every unusable code, so that guessing codes reveals nothing."""
UNAVAILABLE = Problem(
    "unavailable",
    503,
    _(
        "Gift vouchers cannot be checked just now. Nothing was taken from yours; "
        "please try again in a moment or pay another way."
    ),
)
"""Also for errors that concern the shop alone: wrong credentials, an API that broke its contract."""
THROTTLED = Problem(
    "throttled",
    429,
    _("Too many attempts. Nothing was taken from your gift voucher; please try again later."),
)
TRY_AGAIN_IN = _("The next attempt is possible in %(wait)s.")

ERROR_PROBLEMS: dict[type[VoucherGatewayError], Problem] = {
    RefusedError: Problem(
        "refused",
        422,
        _("This gift voucher cannot be used for this order. Nothing was taken from it."),
        "code",
    ),
    VoucherUnusableError: UNUSABLE,
    InsufficientBalanceError: Problem(
        "insufficient_balance",
        422,
        _("There is no money left on this gift voucher. Nothing was taken from it."),
        "code",
    ),
    CurrencyMismatchError: Problem(
        "currency_mismatch",
        422,
        _("This gift voucher has another currency than your order. Nothing was taken."),
        "code",
    ),
    ReservationClosedError: Problem(
        "reservation_closed",
        409,
        _(
            "The gift voucher is no longer held for your order. Nothing was taken from it; "
            "please enter its code again."
        ),
        "code",
    ),
    UnavailableError: UNAVAILABLE,
    ThrottledError: THROTTLED,
    CredentialsError: UNAVAILABLE,
    OutcomeUnknownError: Problem(
        "outcome_unknown",
        409,
        _(
            "It is not clear yet whether the amount was taken from your gift voucher. "
            "Please do not repeat this; we are checking it."
        ),
    ),
    ContractError: UNAVAILABLE,
    PaymentStateError: NOT_POSSIBLE,
    AmountError: Problem(
        "nothing_due", 409, _("There is nothing left to pay by gift voucher. Nothing was taken from it.")
    ),
    WrongStateError: Problem(
        "wrong_state", 409, _("That is not possible for this gift voucher any more. Nothing was taken.")
    ),
    OperationInProgressError: Problem(
        "operation_in_progress",
        409,
        _(
            "This gift voucher is being used at this very moment. Nothing more was taken from it; "
            "please try again in a moment."
        ),
    ),
    VoucherGatewayError: Problem(
        "error", 503, _("That did not work. Nothing was taken from your gift voucher.")
    ),
}

FINER_PROBLEMS = {
    problem.code: problem
    for problem in (
        Problem(
            "only_vouchers_due",
            409,
            _(
                "Gift vouchers cannot be paid with gift vouchers. Nothing was taken from yours; "
                "please pay for those in your order another way."
            ),
        ),
        Problem(
            "order_account_changed",
            409,
            _(
                "Your order is sold by another merchant now. Please remove its gift vouchers first; only those of this "
                "merchant can pay it. Nothing was taken from them."
            ),
        ),
        Problem(
            "order_currency_changed",
            409,
            _(
                "The currency of your order has changed. Please remove its gift vouchers and enter them again. "
                "Nothing was taken from them."
            ),
        ),
        Problem(
            "promised_elsewhere",
            422,
            _(
                "All that is left on this gift voucher is needed for another order. Nothing was taken from it; "
                "please pay this order another way."
            ),
            "code",
        ),
        Problem(
            "spent_elsewhere",
            422,
            _(
                "Your gift voucher was used elsewhere meanwhile, so it cannot pay for this order. "
                "Nothing was taken from it. Please look at what is due now, and pay it another way or enter another "
                "gift voucher."
            ),
        ),
        Problem(
            "no_longer_redeemable",
            422,
            _(
                "Your gift voucher was held for you, but can no longer be redeemed. Nothing was taken from it; "
                "please look at what is due now, and pay it another way or enter another gift voucher."
            ),
        ),
        Problem(
            "too_many_vouchers",
            409,
            _(
                "Your order cannot take any more gift vouchers. Nothing was taken from this one; "
                "please pay the rest another way."
            ),
        ),
    )
}
"""By the ``code`` of an error, where that says better than its class what the customer can do."""

PROBLEMS = {
    problem.code: problem
    for problem in (
        *(MALFORMED, PAGE_OUTDATED, UNKNOWN_SCHEME, POST_NEEDED, NO_ORDER, NOT_ON_ORDER, CODE_MISSING),
        *ERROR_PROBLEMS.values(),
        *FINER_PROBLEMS.values(),
    )
}


def wait_text(seconds: float) -> str:
    """Return a time to wait, rounded up: in minutes up to ten, then in steps of five, above two hours in hours."""
    minutes = max(ceil(seconds / 60), 1)
    if minutes > FEW_MINUTES:
        minutes = ceil(minutes / STEP_MINUTES) * STEP_MINUTES
    if minutes <= MOST_MINUTES:
        return ngettext("%(number)d minute", "%(number)d minutes", minutes) % {"number": minutes}
    hours = ceil(minutes / 60)
    return ngettext("%(number)d hour", "%(number)d hours", hours) % {"number": hours}


def problem_of(error: VoucherGatewayError) -> Problem:
    """Return the problem that a visitor is shown for ``error``; a subclass unknown here is shown as its parent."""
    if error.code in FINER_PROBLEMS:
        return FINER_PROBLEMS[error.code]
    if isinstance(error, AmountError) and error.code in WRONG_FACTS:
        return NOT_POSSIBLE
    problem = next(ERROR_PROBLEMS[cls] for cls in type(error).__mro__ if cls in ERROR_PROBLEMS)
    return replace(problem, retry_after_seconds=getattr(error, "retry_after_seconds", None))


def error_message(error: VoucherGatewayError) -> str:
    """Return the sentence that a customer reads about ``error``: neutral, translated, and true about the money."""
    return problem_of(error).message
