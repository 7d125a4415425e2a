"""What is told after money was to be moved: by what the operations of the call have come to, and not by hope."""

from collections.abc import Iterable
from decimal import Decimal
from typing import Any

from django.utils.translation import gettext as _

from voucher_payment_gateway.admin.actions.action import Told
from voucher_payment_gateway.checkout.wording import amount_text
from voucher_payment_gateway.exceptions import OutcomeUnknownError, VoucherGatewayError
from voucher_payment_gateway.models import VoucherOperation, VoucherPayment
from voucher_payment_gateway.money import ZERO
from voucher_payment_gateway.rules.states import GIVES_BACK

__all__ = ["outcome_of"]


def outcome_of(number: str, verb: str, key: str, error: VoucherGatewayError | None = None) -> list[Told]:
    """Return what became of the call with this key, and ``error`` with its own text: that of the gateway, which says
    what is known of the money. Empty where there was nothing to do."""
    of_call = {"order_number": number, "verb": verb, "key": key}
    rows = VoucherOperation.current.filter(
        **{f"idempotency_key__{name}": value for name, value in of_call.items()}
    )
    operations = list(rows.order_by("pk"))
    told = [*_done(verb, operations), *_open(operations)]
    if verb == "cancel" and _is_as_planned(error) and _is_noted(number, operations):
        told.append(Told.warning(_("It is noted and not done yet: it follows what is still open.")))
    if error is not None and not (isinstance(error, OutcomeUnknownError) and told):
        told.append(Told.error(str(error)))
    return told


def _is_as_planned(error: VoucherGatewayError | None) -> bool:
    """Return whether the verb did all that it can: what is archived is reported after the rest was done."""
    return error is None or error.code == "archived"


def _done(verb: str, operations: list[VoucherOperation]) -> Iterable[Told]:
    booked = [operation for operation in operations if operation.state == "succeeded"]
    charged = _sum(booked, ("charge",))
    given_back = _sum(booked, GIVES_BACK)
    if charged:
        yield Told.success(_("%(amount)s was charged.") % charged)
    if given_back:
        yield Told.success(_("%(amount)s was refunded.") % given_back)
    if any(operation.kind == "cancel" for operation in operations):
        yield Told.success(_("The gift vouchers are taken off the order."))


def _open(operations: list[VoucherOperation]) -> Iterable[Told]:
    states = {operation.state for operation in operations if operation.kind != "cancel"}
    if "sending" in states:
        yield Told.warning(_("It is being sent just now. Do not repeat it: look at it again in a minute."))
    if "unknown" in states:
        yield Told.warning(
            _(
                "It is not known yet whether the money has moved. Do not repeat it, neither here nor at the Voucher "
                "Cloud: the shop finds out by itself, in up to 40 minutes."
            )
        )
    if "due" in states:
        yield Told.warning(_("It is noted and not sent yet. Do not repeat it: it follows by itself."))
    if "manual" in states:
        yield Told.warning(_("A person has to decide whether the money has moved: see what needs attention."))


def _sum(operations: list[VoucherOperation], kinds: tuple[str, ...]) -> dict[str, Any]:
    """Return the amount of these operations for a sentence; empty where there is none."""
    of_kind = [operation for operation in operations if operation.kind in kinds]
    amount: Decimal = sum((operation.amount for operation in of_kind), ZERO)
    return {"amount": amount_text(amount, of_kind[0].currency)} if of_kind else {}


def _is_noted(number: str, operations: list[VoucherOperation]) -> bool:
    """Return whether a payment is to be cancelled later, beside those that these operations are about."""
    requested = VoucherPayment.current.filter(order_number=number, cancel_requested_at__isnull=False)
    done = [operation.payment_id for operation in operations]
    return bool(requested.exclude(status__in=("cancelled", "failed")).exclude(pk__in=done).exists())
