"""Learn which voucher a code is of: the API reads no voucher by its code, so the smallest amount is reserved."""

from voucher_payment_gateway.currencies import smallest_unit
from voucher_payment_gateway.exceptions import CredentialsError, RefusedError, VoucherUnusableError
from voucher_payment_gateway.gateway.holds.competing import any_in_flight
from voucher_payment_gateway.gateway.holds.control import equalise_calls, raise_if_ours
from voucher_payment_gateway.gateway.holds.reserve import Hold, release, reserve_exactly
from voucher_payment_gateway.gateway.records.conflicts import ConflictError
from voucher_payment_gateway.gateway.records.payments import change_payment, hold_lost_fields
from voucher_payment_gateway.models import VoucherPayment
from voucher_payment_gateway.sealing import Secret

__all__ = ["give_back", "reserve_smallest"]


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


def give_back(hold: Hold) -> list[VoucherPayment]:
    """Release a reservation that was made to learn a voucher, and return the payments whose reservations it replaced:
    they are due to be renewed. One with an operation under way is left to that operation."""
    release(hold.reservation_id, hold.account)
    holding = VoucherPayment.current.filter(
        voucher_id=hold.voucher_id, account=hold.account, status="authorized"
    )
    return [payment for payment in holding if not any_in_flight([payment]) and _is_noted_as_lost(payment)]


def _is_noted_as_lost(payment: VoucherPayment) -> bool:
    """Note that the reservation of the payment was replaced; false where another writer has recorded a newer one."""
    try:
        change_payment(payment, **hold_lost_fields())
    except ConflictError:
        return False
    return True
