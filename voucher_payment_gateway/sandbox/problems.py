"""The API's errors.

The shape and ``DOCUMENTED_CODES`` are on the documentation's error page (API 1.8). Every other code here is
invented and vague on purpose: the real names are not published, so do not rely on it.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from http import HTTPStatus
from typing import Any

__all__ = [
    "DOCUMENTED_CODES",
    "ApiError",
    "FieldError",
    "field_code",
    "http_error",
    "not_allowed",
    "unprocessable",
    "voucher_not_found",
]

DOCUMENTED_CODES = frozenset(
    {
        "CLIENT.CONNECT.PIN.REQUIRED",
        "CLIENT.CONNECT.PIN.STRING",
        "VOUCHER.CREATE.CUSTOM_ID.STRING",
        "VOUCHER.CREATE.CUSTOM_ID.MAX:255",
        "VOUCHER.CREATE.CUSTOM_ID.UNIQUE",
        "VOUCHER.CREATE.CODE.STRING",
        "VOUCHER.CREATE.CODE.MAX:255",
        "VOUCHER.CREATE.CODE.UNIQUE",
        "VOUCHER.CREATE.SKU.STRING",
        "VOUCHER.CREATE.SKU.MAX:255",
        "VOUCHER.CREATE.PIN.STRING",
        "VOUCHER.CREATE.PIN.MAX:255",
        "VOUCHER.CREATE.BATCH.STRING",
        "VOUCHER.CREATE.BATCH.MAX:30",
        "VOUCHER.CREATE.AMOUNT.REQUIRED",
        "VOUCHER.CREATE.AMOUNT.STRING",
        "VOUCHER.CREATE.AMOUNT.NUMERIC",
        "VOUCHER.CREATE.AMOUNT.MIN:0",
        "VOUCHER.CREATE.CURRENCY.VALID_CURRENCY",
    }
)


@dataclass(frozen=True)
class FieldError:
    """One entry of ``errors``, which only a 422 has."""

    code: str
    property: str
    rule: str
    message: str


class ApiError(Exception):
    """An error that the cloud answers. ``reason`` is for tests: the answer never shows it."""

    def __init__(
        self,
        status: int,
        code: str,
        message: str,
        *,
        errors: Sequence[FieldError] = (),
        reason: str = "",
        headers: Sequence[tuple[str, str]] = (),
    ) -> None:
        super().__init__(f"{status} {code}: {message}")
        self.status = status
        self.code = code
        self.message = message
        self.errors = tuple(errors)
        self.reason = reason
        self.headers = tuple(headers)

    def document(self) -> dict[str, Any]:
        """Return the documented error document."""
        document: dict[str, Any] = {"status": self.status, "code": self.code, "message": self.message}
        if self.errors:
            document["errors"] = [asdict(error) for error in self.errors]
        return document


def voucher_not_found() -> ApiError:
    """Return the one business error whose code is documented."""
    return ApiError(
        404, "VOUCHER.NOT_FOUND", "The requested Voucher was not found.", reason="unknown_voucher"
    )


def http_error(status: HTTPStatus, message: str = "") -> ApiError:
    """Return an error of HTTP itself; the bodies of 400, 401, 403, 405 … are undocumented: invented here."""
    return ApiError(status.value, status.name, message or f"{status.phrase}.", reason=status.name.lower())


def not_allowed(allowed: Sequence[str]) -> ApiError:
    """Return the 405 of a path that has other methods."""
    error = http_error(HTTPStatus.METHOD_NOT_ALLOWED)
    error.headers = (("Allow", ", ".join(allowed)),)
    return error


def unprocessable(operation: str, errors: Sequence[FieldError]) -> ApiError:
    """Return the 422 of an operation such as ``"VOUCHER.CREATE"``."""
    resource = operation.partition(".")[0]
    # Only create's own code is documented. RESERVATION.INVALID and the like are invented here.
    code = f"{operation}.UNPROCESSABLE_ENTITY" if operation == "VOUCHER.CREATE" else f"{resource}.INVALID"
    return ApiError(422, code, "The given data was invalid.", errors=errors, reason="invalid")


def field_code(operation: str, name: str, rule: str) -> str:
    """Return the documented code of a broken rule, or the vague one that is invented here."""
    code = f"{operation}.{name.upper()}.{rule.upper()}"
    return code if code in DOCUMENTED_CODES else f"{operation.partition('.')[0]}.INVALID"
