"""Top up: add money to a voucher."""

from decimal import Decimal
from typing import Any

from django.views.decorators.debug import sensitive_variables

from voucher_payment_gateway import money
from voucher_payment_gateway.currencies import amount_in
from voucher_payment_gateway.exceptions import PaymentStateError
from voucher_payment_gateway.gateway.holds.codes import clean_code
from voucher_payment_gateway.gateway.records.idempotency import Call, check_required_key
from voucher_payment_gateway.gateway.verbs.recharge_once import recharge_once
from voucher_payment_gateway.gateway.verbs.vouchers_by_code import sale_of_code
from voucher_payment_gateway.models import VoucherOperation, VoucherSale
from voucher_payment_gateway.opaque import Opaque, opaque_code
from voucher_payment_gateway.telemetry import verb

__all__ = ["top_up"]


@opaque_code
@verb
@sensitive_variables("code_or_sale", "pin")
def top_up(
    code_or_sale: str | Opaque | VoucherSale,
    amount: Decimal | str,
    *,
    key: str,
    pin: str | Opaque = "",
    currency: str = "",
    account: str = "",
    actor: str = "",
    reason: str = "",
) -> VoucherOperation:
    """Add ``amount``, 0.01 to 99999.99 in the voucher's currency, to an active voucher: a sale, or one given by its
    code. Returns the recharge.

    Exactly once per ``key`` and voucher: repeated, it adds nothing, goes on with what is due, and answers as the first
    call did. Outside a transaction the money has moved when this returns; inside one it moves after the commit.

    A code that our records do not know costs a reservation of 0.01, which is released again: then ``currency`` is that
    of the voucher, by default that of the newest sale or payment. ``pin`` is needed only there, and ``account`` names
    the merchant account of the voucher where the shop has several. Such a voucher is kept as a sale of its own, with
    the origin ``topped_up`` and an amount of 0.00.

    Raises AmountError (malformed, or the key was used with another amount), PaymentStateError (key or currency),
    WrongStateError (a sale that is not active), OperationInProgressError (another operation on the voucher is open);
    nothing was sent. VoucherUnusableError for any code whose voucher cannot be learned. After RefusedError no money
    moved; after UnavailableError, CredentialsError and ContractError nothing moved yet and ``settle`` sends it; after
    OutcomeUnknownError ``settle`` resolves it.
    """
    check_required_key(key)
    asked = money.amount(amount)
    if isinstance(code_or_sale, VoucherSale):
        sale = _saved(code_or_sale)
    elif isinstance(code_or_sale, Opaque):
        sale = sale_of_code(clean_code(code_or_sale, pin), currency, account)
    else:
        raise _malformed(code_or_sale)
    asked = amount_in(sale.currency, asked)

    def call_of(stored: VoucherSale) -> Call:
        return Call("top_up", stored.order_number, f"sale {stored.pk}: {key}", asked)

    return recharge_once(sale, asked, call_of, actor=actor, reason=reason)


def _saved(sale: VoucherSale) -> VoucherSale:
    if sale.pk is None:
        raise PaymentStateError(
            "code_or_sale: this sale is not saved. Nothing was sent.", code="sale_malformed"
        )
    return sale


def _malformed(given: Any) -> PaymentStateError:
    return PaymentStateError(
        f"code_or_sale: give a code as text, or a VoucherSale, not {type(given).__name__}. Nothing was sent.",
        code="sale_malformed",
    )
