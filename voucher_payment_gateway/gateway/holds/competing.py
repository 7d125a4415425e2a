"""Several orders of this shop and one voucher: the Voucher Cloud keeps one reservation, so the later one wins.

An unconfirmed payment lapses then, and a signal is sent. A confirmed one goes on counting on the voucher
(``holds.promises``): it is reserved again when it is captured.
"""

from collections.abc import Iterable
from typing import Literal

from voucher_payment_gateway.exceptions import OperationInProgressError
from voucher_payment_gateway.gateway.holds.codes import code_expiry
from voucher_payment_gateway.gateway.holds.control import refuse_as_unusable
from voucher_payment_gateway.gateway.records.announce import announce
from voucher_payment_gateway.gateway.records.order_rows import on_vouchers
from voucher_payment_gateway.gateway.records.order_view import is_competing
from voucher_payment_gateway.gateway.records.payments import change_payment, ended_fields, hold_ended_fields
from voucher_payment_gateway.models import VoucherOperation, VoucherPayment
from voucher_payment_gateway.rules.cover import outlives_hold
from voucher_payment_gateway.rules.states import OPEN_STATES
from voucher_payment_gateway.sealing import Secret, fingerprints, unseal
from voucher_payment_gateway.signals import payment_lapsed

__all__ = [
    "any_in_flight",
    "competing_payments",
    "knows_pin",
    "lapse_replaced",
    "let_go",
    "mark_lapsed",
    "payments_on",
    "refuse_guess_in_flight",
    "refuse_if_in_flight",
]


def refuse_if_in_flight(competing: Iterable[VoucherPayment]) -> None:
    """Raise OperationInProgressError while another order is being paid with the voucher."""
    if any_in_flight(competing):
        raise OperationInProgressError(
            "Another order is being paid with this gift voucher just now. Nothing was sent.",
            code="voucher_being_charged",
        )


def refuse_guess_in_flight(
    competing: list[VoucherPayment], secret: Secret, currency: str, account: str
) -> None:
    """Raise OperationInProgressError as above, to whoever knows the PIN as well.

    To everybody else raises VoucherUnusableError, after the calls that every refusal costs: the code may be a guess.
    It is not sent: should the Voucher Cloud not mind the PIN, its reservation would replace the one that is being
    charged.
    """
    if not any_in_flight(competing):
        return
    if not knows_pin(secret, competing):
        refuse_as_unusable(currency, account)
    refuse_if_in_flight(competing)


def knows_pin(secret: Secret, payments: Iterable[VoucherPayment]) -> bool:
    """Return whether one of the payments, which have the code of ``secret``, is known to have its PIN as well."""
    stored = (unseal(payment.sealed_code) for payment in payments)
    return any(known is not None and known.pin == secret.pin for known in stored)


def any_in_flight(payments: Iterable[VoucherPayment]) -> bool:
    """Return whether an operation of one of the payments is open. A queued one (``waits``) does not count."""
    pks = [payment.pk for payment in payments]
    if not pks:
        return False
    operations = VoucherOperation.current.filter(payment__in=pks, waits=False)
    return bool(operations.filter(state__in=OPEN_STATES).exists())


def competing_payments(payments: Iterable[VoucherPayment]) -> list[VoucherPayment]:
    """Return the payments of other orders that hold the vouchers of these payments, or count on them."""
    payments = list(payments)
    orders = {payment.order_number for payment in payments}
    keys = {(payment.account, code) for payment in payments for code in _fingerprints_of(payment)}
    keys |= {(payment.account, payment.voucher_id) for payment in payments if payment.voucher_id}
    codes = [code for payment in payments for code in _fingerprints_of(payment)]
    vouchers = [payment.voucher_id for payment in payments if payment.voucher_id]
    known = VoucherPayment.current.with_open_charge()
    # two statements: for an OR, SQLite scans the table
    found = [*known.filter(code_fingerprint__in=codes), *known.filter(voucher_id__in=vouchers)]
    others = {
        payment.pk: payment
        for payment in found
        if payment.order_number not in orders
        and {(payment.account, payment.code_fingerprint), (payment.account, payment.voucher_id)} & keys
    }
    return [others[pk] for pk in sorted(others) if is_competing(others[pk])]


def payments_on(vouchers: Iterable[str]) -> list[VoucherPayment]:
    """Return all payments with one of these voucher ids, of every order and account, oldest first."""
    return on_vouchers([*vouchers])


def lapse_replaced(payment: VoucherPayment, others: Iterable[VoucherPayment]) -> None:
    """Record that those ``others`` hold nothing whose reservation was replaced by that of ``payment``: a voucher with
    the same id at another merchant is another one."""
    for other in others:
        if other.account != payment.account:
            continue
        if other.pk != payment.pk and other.status == "authorized" and not any_in_flight([other]):
            mark_lapsed(other, "taken_over")


def mark_lapsed(payment: VoucherPayment, reason: Literal["expired", "taken_over"] = "expired") -> None:
    """Record that nothing is held for ``payment`` any more, and send the signal unless it is counted on all the
    same."""
    held, still_counts = payment.amount_authorized, outlives_hold(payment)
    ended = {} if still_counts else ended_fields(reason)
    change_payment(payment, **hold_ended_fields(payment, otherwise="lapsed"), **ended)
    if not still_counts:
        announce(payment_lapsed, payment, held)


def let_go(payment: VoucherPayment) -> None:
    """Count on the voucher of ``payment`` no more, since its order does not need it. The code is kept for a while."""
    if payment.confirmed_at is not None:
        change_payment(payment, confirmed_at=None, confirmation=None, code_kept_until=code_expiry(None))
    if payment.status == "authorized":
        mark_lapsed(payment)


def _fingerprints_of(payment: VoucherPayment) -> list[str]:
    """Return the fingerprints of the code under all keys: the sealing key may have been rotated since."""
    secret = unseal(payment.sealed_code)
    return fingerprints(secret.code) if secret else [payment.code_fingerprint]
