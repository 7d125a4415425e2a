"""Select: store a voucher for an order until its checkout is confirmed."""

from typing import Any

from django.core.exceptions import ImproperlyConfigured
from django.views.decorators.debug import sensitive_variables

from voucher_payment_gateway.conf import NAME, gateway_settings
from voucher_payment_gateway.gateway.holds.codes import clean_code, sealed_fields
from voucher_payment_gateway.gateway.records.conflicts import atomic_or_conflict, retry_on_conflict
from voucher_payment_gateway.gateway.records.idempotency import Call, payment_of, save_key
from voucher_payment_gateway.gateway.records.order_view import read_order, refuse_if_open
from voucher_payment_gateway.gateway.records.payments import change_payment, superseded_fields
from voucher_payment_gateway.gateway.records.reused_number import refuse_reused_number
from voucher_payment_gateway.gateway.verbs.own_payment import end_former, new_payment, own_payment
from voucher_payment_gateway.models import VoucherPayment
from voucher_payment_gateway.opaque import Opaque, opaque_code
from voucher_payment_gateway.orders import OrderFacts, payable_facts
from voucher_payment_gateway.payable import with_sold
from voucher_payment_gateway.rules.cover import is_unpaid
from voucher_payment_gateway.sealing import Secret, fingerprints
from voucher_payment_gateway.telemetry import verb

__all__ = ["select"]


@opaque_code
@verb
@sensitive_variables("code", "pin", "secret")
def select(
    order: Any,
    code: str | Opaque,
    *,
    pin: str | Opaque = "",
    key: str = "",
    actor: str = "",
    reason: str = "",
) -> VoucherPayment:
    """Store a code, sealed, for this order. Nothing is sent, so it may turn out to be unusable.

    ``authorize_selected`` reserves it later. Selecting the same code again returns the same payment, with the newer
    PIN. A call with a ``key`` is made once per order: repeated later, it does not put a removed voucher back. ``actor``
    and ``reason`` are for uniformity: no operation is written that could store them.

    Raises VoucherUnusableError where the text cannot be a code, WrongStateError where the order has too many
    vouchers, AmountError where all that is due are gift vouchers that it sells, CurrencyMismatchError where it held
    this one in another currency, ImproperlyConfigured without ``SEALING_KEYS``.
    """
    if not gateway_settings().SEALING_KEYS:
        raise ImproperlyConfigured(f"{NAME}: SEALING_KEYS: set a key, a selected code is stored only sealed")
    facts, secret = with_sold(payable_facts(order), order), clean_code(code, pin)
    call = Call("select", facts.number, key)
    refuse_reused_number(facts.number, facts.created_at)
    return retry_on_conflict(lambda: _select(facts, secret, call))


def _select(facts: OrderFacts, secret: Secret, call: Call) -> VoucherPayment:
    if known := call.find():
        return payment_of(known, secret.code)
    view = read_order(facts.number)
    codes = fingerprints(secret.code)
    payment, account = own_payment(view, codes, facts)
    view.refuse_if_rest_is_sold(facts, payment)
    remainders = [
        earlier
        for earlier in view.uncaptured_remainders(account, codes=codes)
        if earlier.status != "failed"  # nothing is held yet in its place
    ]
    view.refuse_known_currency(codes, facts.currency, account)
    refuse_if_open(remainders)
    with atomic_or_conflict():
        for earlier in remainders:
            change_payment(earlier, **superseded_fields(earlier))
        end_former(view, account)
        if payment is not None and is_unpaid(payment):
            # it has ended for good, with its code erased: the code that is entered now is another payment
            change_payment(payment, status="failed")
            payment = None
        if payment is None:
            view.refuse_too_many_vouchers()
            payment = new_payment(facts, secret, account)
            payment.save(force_insert=True)
        elif payment.status in ("selected", "lapsed"):
            change_payment(payment, **sealed_fields(secret, payment.confirmed_at))
        save_key(call.new_row())
    return payment
