"""The voucher of a code, as a sale: from our records, else learned from the Voucher Cloud."""

import uuid

from voucher_payment_gateway.alerts import alerting
from voucher_payment_gateway.conf import gateway_settings
from voucher_payment_gateway.currencies import supported_currency
from voucher_payment_gateway.exceptions import VoucherUnusableError
from voucher_payment_gateway.gateway.holds.look_up import give_back, reserve_smallest
from voucher_payment_gateway.gateway.records.instance import refuse_other_instance
from voucher_payment_gateway.models import VoucherPayment, VoucherSale
from voucher_payment_gateway.money import ZERO
from voucher_payment_gateway.opaque import Opaque
from voucher_payment_gateway.sealing import Secret, fingerprint, fingerprints, hint

__all__ = ["TOP_UP_NUMBER", "sale_of_code"]

TOP_UP_NUMBER = "top-up"
"""Stands in place of an order number where a voucher was topped up that no order of this shop sold."""


def sale_of_code(secret: Secret, currency: str, account: str) -> VoucherSale:
    """Return the sale of the voucher with this code, which may be topped up; a new one, not saved yet, where the shop
    did not sell it.

    A voucher that a payment or a sale of the account knows is not looked up. Else the smallest unit of ``currency``, by
    default that of the account's newest row or ``CURRENCY``, is reserved on it and released again. Raises
    VoucherUnusableError where it is not active or cannot be learned, UnavailableError, CredentialsError.
    """
    known = _known_sale(secret.code, account)
    if known is not None:
        return known
    payments = VoucherPayment.current.filter(code_fingerprint__in=fingerprints(secret.code), account=account)
    payment = payments.exclude(voucher_id="").order_by("-pk").first()
    if payment is not None:
        return _sale_of(payment.voucher_id, payment.currency, secret, account)
    wanted = supported_currency(currency) if currency else _usual_currency(account)
    return _sale_of(_learned(secret, wanted, account), wanted, secret, account)


def _known_sale(code: Opaque, account: str) -> VoucherSale | None:
    sales = list(VoucherSale.current.filter(code_fingerprint__in=fingerprints(code), account=account))
    active = next((sale for sale in sales if sale.status == "active"), None)
    if sales and active is None:
        raise VoucherUnusableError
    return active


def _sale_of(voucher_id: str, currency: str, secret: Secret, account: str) -> VoucherSale:
    sold: VoucherSale | None = VoucherSale.current.filter(voucher_id=voucher_id, account=account).first()
    if sold is not None and sold.status != "active":
        raise VoucherUnusableError
    return sold or VoucherSale(
        order_number=TOP_UP_NUMBER,
        account=account,
        key=f"top-up {uuid.uuid4().hex}",
        origin="topped_up",
        voucher_id=voucher_id,
        amount=ZERO,
        currency=currency,
        status="active",
        target="active",
        delivery="none",
        code_hint=hint(secret.code),
        code_fingerprint=fingerprint(secret.code),
    )


def _usual_currency(account: str) -> str:
    for model in (VoucherSale, VoucherPayment):
        rows = model.current.filter(account=account).order_by("-pk")
        if found := rows.values_list("currency", flat=True).first():
            return str(found)
    return gateway_settings().CURRENCY


def _learned(secret: Secret, currency: str, account: str) -> str:
    """Return the id of the voucher with this code. A reservation of ours that was replaced is renewed by ``settle``."""
    with alerting(TOP_UP_NUMBER, account):
        refuse_other_instance()
        hold = reserve_smallest(secret, currency, account=account)
    give_back(hold)
    return hold.voucher_id
