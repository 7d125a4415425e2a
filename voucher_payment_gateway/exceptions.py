"""Every error of the package, sorted by what the caller must do next.

    VoucherGatewayError
    ├── RefusedError                 the API said no; nothing moved          let the customer choose again
    │   ├── VoucherUnusableError        unknown, inactive, expired, wrong PIN, other group: deliberately one error
    │   ├── InsufficientBalanceError    (.available where known)
    │   ├── CurrencyMismatchError
    │   └── ReservationClosedError      lapsed, replaced, already charged
    ├── UnavailableError             no service just now; nothing moved      try again later (.retry_after_seconds)
    │   └── ThrottledError
    ├── CredentialsError             our credentials or scopes were rejected page the operator (.missing_scope)
    ├── OutcomeUnknownError          perhaps moved                           do not retry by hand: settle will
    ├── ContractError                an invalid answer to a read; nothing moved  report it
    └── PaymentStateError            our records forbid it; nothing was sent     correct the order or the call
        ├── AmountError
        ├── WrongStateError
        └── OperationInProgressError

A wrong setting raises Django's ``ImproperlyConfigured``, outside this tree, so that a shop which
catches ``VoucherGatewayError`` around a checkout never hides a mistake of its own configuration.

No error carries a code, a PIN, a token or a body of an answer, and every error survives ``pickle``.
"""

from decimal import Decimal
from typing import ClassVar, Literal, TypedDict, Unpack

__all__ = [
    "AmountError",
    "ContractError",
    "CredentialsError",
    "CurrencyMismatchError",
    "InsufficientBalanceError",
    "OperationInProgressError",
    "OutcomeUnknownError",
    "PaymentStateError",
    "RefusedError",
    "ReservationClosedError",
    "ThrottledError",
    "UnavailableError",
    "VoucherGatewayError",
    "VoucherUnusableError",
    "WrongStateError",
]

MoneyMoved = Literal["no", "maybe"]


class Facts(TypedDict, total=False):
    """The arguments that every error takes besides its message."""

    code: str
    api_code: str
    http_status: int | None


class VoucherGatewayError(Exception):
    """The root of the tree: catch it to catch everything that is not a wrong setting.

    ``code`` is stable and meant for programs, the message is meant for people and may change.
    ``money_moved`` says what is known of the money: ``"no"`` or ``"maybe"``.
    """

    default_code: ClassVar[str] = "error"
    default_message: ClassVar[str] = "The voucher operation failed."
    money_moved: MoneyMoved = "no"

    def __init__(
        self, message: str = "", *, code: str = "", api_code: str = "", http_status: int | None = None
    ) -> None:
        super().__init__(message or self.default_message)
        self.code = code or self.default_code
        self.api_code = api_code
        """The remote API's own error code, opaque; empty where there was none."""
        self.http_status = http_status
        """The HTTP status of the answer; None where there was none."""


class RefusedError(VoucherGatewayError):
    """The Voucher Cloud said no and booked nothing: let the customer choose again."""

    default_code = "refused"
    default_message = "The Voucher Cloud refused the request. No money moved."


class VoucherUnusableError(RefusedError):
    """Unknown, inactive, expired, wrong PIN or another group's voucher: deliberately one error."""

    default_code = "voucher_unusable"
    default_message = "This gift voucher cannot be redeemed. Please check the code and the PIN."


class InsufficientBalanceError(RefusedError):
    """The voucher holds less than was asked for; ``available`` says how much, where that is known."""

    default_code = "insufficient_balance"
    default_message = "The gift voucher does not hold enough. No money moved."

    def __init__(
        self, message: str = "", *, available: Decimal | None = None, **facts: Unpack[Facts]
    ) -> None:
        super().__init__(message, **facts)
        self.available = available


class CurrencyMismatchError(RefusedError):
    """The voucher is held in another currency than the order."""

    default_code = "currency_mismatch"
    default_message = "The gift voucher is held in another currency. No money moved."


class ReservationClosedError(RefusedError):
    """The reservation lapsed, was replaced by a newer one, or is charged already."""

    default_code = "reservation_closed"
    default_message = "The reservation is no longer open. No money moved."


class UnavailableError(VoucherGatewayError):
    """No service just now, and certainly nothing was booked: try again later.

    ``retry_after_seconds`` says how long the Voucher Cloud asks to wait, where that is known.
    """

    default_code = "unavailable"
    default_message = "The Voucher Cloud cannot be reached just now. No money moved; please try again later."

    def __init__(
        self, message: str = "", *, retry_after_seconds: float | None = None, **facts: Unpack[Facts]
    ) -> None:
        super().__init__(message, **facts)
        self.retry_after_seconds = retry_after_seconds


class ThrottledError(UnavailableError):
    """Too many attempts, here or at the Voucher Cloud; wait ``retry_after_seconds`` where it is known."""

    default_code = "throttled"
    default_message = "Too many attempts. No money moved; please try again later."


class CredentialsError(VoucherGatewayError):
    """Our client credentials or scopes were rejected: page the operator.

    ``missing_scope`` names the right that the client group lacks, where that is known.
    """

    default_code = "credentials"
    default_message = "The Voucher Cloud rejected our credentials or rights. No money moved."

    def __init__(self, message: str = "", *, missing_scope: str = "", **facts: Unpack[Facts]) -> None:
        super().__init__(message, **facts)
        self.missing_scope = missing_scope


class OutcomeUnknownError(VoucherGatewayError):
    """It is not known yet whether the money moved. Do not retry it by hand: ``settle`` resolves it."""

    default_code = "outcome_unknown"
    default_message = "No clear answer came: the money may have moved. Do not repeat it; it is being settled."
    money_moved = "maybe"


class ContractError(VoucherGatewayError):
    """The Voucher Cloud answered a read or the token request with something its documentation rules out: report it."""

    default_code = "contract"
    default_message = "The Voucher Cloud gave an answer that cannot be understood. No money moved."


class PaymentStateError(VoucherGatewayError):
    """Our own records forbid it, and nothing was sent: correct the order or the call."""

    default_code = "payment_state"
    default_message = "The records of this payment do not allow that. Nothing was sent."


class AmountError(PaymentStateError):
    """An invalid amount: malformed, out of bounds, or more than can be moved."""

    default_code = "amount"
    default_message = "This amount is not possible. Nothing was sent."


class WrongStateError(PaymentStateError):
    """The payment is in a state in which this cannot be done."""

    default_code = "wrong_state"
    default_message = "The payment is in a state that does not allow that. Nothing was sent."


class OperationInProgressError(PaymentStateError):
    """Another operation on the same voucher is open or unknown; it must end first."""

    default_code = "operation_in_progress"
    default_message = "Another operation on this gift voucher is not finished yet. Nothing was sent."
