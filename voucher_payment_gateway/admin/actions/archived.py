"""What an action says of payments whose charges are archived: their money does not go back by itself any more."""

from collections.abc import Iterable
from dataclasses import replace
from decimal import Decimal

from django.utils.translation import gettext as _

from voucher_payment_gateway.admin.actions.target import Target
from voucher_payment_gateway.admin.sentences import voucher_name
from voucher_payment_gateway.checkout.wording import amount_text
from voucher_payment_gateway.gateway.records.archived import archived_money
from voucher_payment_gateway.models import VoucherPayment

__all__ = ["archived_notes", "within_reach"]


def within_reach(target: Target) -> Target:
    """Return the target without the payments whose charges are archived: no button is for them."""
    archived = archived_money(target.payments)
    return replace(target, payments=[each for each in target.payments if each.pk not in archived])


def archived_notes(payments: Iterable[VoucherPayment]) -> list[str]:
    """Return a sentence for each payment whose charges are archived and did not go back."""
    payments = list(payments)
    archived: dict[int, Decimal] = archived_money(payments)
    note = _(
        "Of gift voucher %(voucher)s, %(amount)s was moved to the archive and is not refunded: give it back as store "
        "credit."
    )
    return [
        note % {"voucher": voucher_name(each), "amount": amount_text(archived[each.pk], each.currency)}
        for each in payments
        if each.pk in archived
    ]
