"""End the shop's access to the Voucher Cloud: the API resets all credentials of its client."""

from voucher_payment_gateway.api import VoucherCloud
from voucher_payment_gateway.exceptions import (
    CredentialsError,
    OutcomeUnknownError,
    RefusedError,
    VoucherGatewayError,
)

__all__ = ["DisconnectError", "disconnect"]

STILL_CONNECTED = "The client is still connected."


class DisconnectError(Exception):
    """The call failed; the message is for the operator and says whether the client is still connected."""


def disconnect(cloud: VoucherCloud) -> None:
    """Disconnect the client of ``cloud`` for good. Raises DisconnectError."""
    try:
        cloud.disconnect()
    except OutcomeUnknownError:
        _confirm(cloud)
    except VoucherGatewayError as error:
        raise DisconnectError(_sentence(error)) from None


def _confirm(cloud: VoucherCloud) -> None:
    """Return if the client is disconnected although no clear answer came: then its credentials are rejected."""
    try:
        cloud.authenticate()
    except CredentialsError:
        return
    except VoucherGatewayError:
        text = "The client may be disconnected: voucher_doctor says whether its credentials are accepted."
    else:
        text = "The credentials are still accepted: disconnect again."
    raise DisconnectError(f"No clear answer came. {text}")


def _sentence(error: VoucherGatewayError) -> str:
    if isinstance(error, CredentialsError) and error.http_status != 403:
        return "The Voucher Cloud rejects the credentials: they are wrong, or the client is disconnected already."
    if isinstance(error, CredentialsError | RefusedError):
        return (
            f"The Voucher Cloud refuses it (status {error.http_status}). {STILL_CONNECTED} "
            "Disconnect it in the admin interface."
        )
    return f"{error} {STILL_CONNECTED} voucher_doctor says what is wrong."
