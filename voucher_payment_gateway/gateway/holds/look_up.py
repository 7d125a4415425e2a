"""Learn which voucher a code is of: the API reads no voucher by its code, so the smallest amount is reserved."""

from voucher_payment_gateway.currencies import smallest_unit
from voucher_payment_gateway.exceptions import CredentialsError, RefusedError, VoucherUnusableError
from voucher_payment_gateway.gateway.holds.control import equalise_calls, raise_if_ours
from voucher_payment_gateway.gateway.holds.reserve import Hold, reserve_exactly
from voucher_payment_gateway.sealing import Secret

__all__ = ["reserve_smallest"]


def reserve_smallest(secret: Secret, currency: str, *, account: str) -> Hold:
    """Reserve the smallest unit of the currency on the voucher of a code; release it afterwards.

    Raises VoucherUnusableError for any code whose voucher cannot be learned: unknown, inactive, expired, empty, in
    another currency; UnavailableError or CredentialsError. Nothing is held then.
    """
    try:
        return reserve_exactly(secret, smallest_unit(currency), currency, account=account)
    except CredentialsError as error:
        raise_if_ours(error, currency, account, was_held=False)
        refusal: RefusedError | CredentialsError = error
    except RefusedError as error:
        refusal = error
    unusable = VoucherUnusableError(api_code=refusal.api_code, http_status=refusal.http_status)
    equalise_calls(unusable, currency, account)
    raise unusable
