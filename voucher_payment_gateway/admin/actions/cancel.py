"""Take gift vouchers off an order: release what is held, and refund what was charged, or keep that."""

from dataclasses import dataclass
from decimal import Decimal
from typing import Any, ClassVar

from django import forms
from django.utils.translation import gettext_lazy as _

from voucher_payment_gateway import gateway
from voucher_payment_gateway.admin.actions.action import ActionForm, Preview
from voucher_payment_gateway.admin.actions.archived import archived_notes
from voucher_payment_gateway.admin.actions.money import MoneyAction, MoneyForm
from voucher_payment_gateway.admin.actions.second_person import ASK, limit_below, limit_note
from voucher_payment_gateway.admin.actions.target import Target
from voucher_payment_gateway.admin.sentences import voucher_name
from voucher_payment_gateway.checkout.wording import amount_text
from voucher_payment_gateway.gateway.verbs.preview import Cancellation, preview_cancel
from voucher_payment_gateway.money import ZERO
from voucher_payment_gateway.rules.cover import is_unpaid

__all__ = ["Cancel"]


CANCEL_OR_ASK = _("Take them off now, or ask for it")
"""The button of a page that asks a second person, unless what was charged is kept."""


@dataclass(frozen=True)
class CancelPreview(Preview):
    """``refunded`` is what would go back of what was charged, ``most`` with the charges whose outcome is open."""

    refunded: Decimal = ZERO


class CancelForm(MoneyForm):
    """Why, and whether what was charged stays."""

    keep_charged = forms.BooleanField(
        label=_("Keep what was charged: only what is reserved or agreed is taken off"), required=False
    )
    field_order = ("keep_charged", "reason")

    def __init__(self, *args: Any, preview: Preview, **kwargs: Any) -> None:
        super().__init__(*args, preview=preview, **kwargs)
        if not getattr(preview, "refunded", ZERO):
            del self.fields["keep_charged"]


class Cancel(MoneyAction):
    """Cancels an order's payments, or a single one, in every state."""

    verb = "cancel"
    gives_back = True
    slug = "cancel"
    permission = "cancel_voucherpayment"
    title: ClassVar[Any] = _("Take the gift vouchers off")
    button: ClassVar[Any] = _("Take them off now")
    form: ClassVar[type[ActionForm]] = CancelForm

    def is_possible(self, subject: Target) -> bool:
        return any(
            payment.status in ("selected", "authorized", "lapsed", "captured")
            or (payment.status == "refunded" and bool(payment.sealed_code))
            or is_unpaid(payment)
            for payment in subject.payments
        )

    def planned(self, subject: Target) -> Preview:
        cancellations = preview_cancel(subject.what)
        if not cancellations:
            return Preview("", problem=str(_("The gift vouchers are taken off already.")))
        released = sum((each.released for each in cancellations), ZERO)
        refunded = sum((each.refunded for each in cancellations), ZERO)
        most = refunded + sum((each.open_charge for each in cancellations), ZERO)
        limit = limit_below(subject.number, subject.currency, most)
        words = {
            "released": amount_text(released, subject.currency),
            "refunded": amount_text(refunded, subject.currency),
        }
        sentence = _(
            "No gift voucher pays the order any more: %(released)s is released, %(refunded)s is refunded."
        )
        if subject.payment is not None:
            sentence = _(
                "This gift voucher pays nothing any more: %(released)s is released, %(refunded)s is refunded."
            )
        note = _("Something is still open on it: it is noted now, and done once that is known.")
        return CancelPreview(
            sentence % words,
            [_step(each) for each in cancellations],
            notes=[
                *archived_notes(each.payment for each in cancellations if each.archived),
                *([note] if any(each.is_noted for each in cancellations) else []),
                *limit_note(limit, subject.currency),
            ],
            refunded=refunded,
            most=most,
            button="" if limit is None else CANCEL_OR_ASK if refunded else ASK,
        )

    def stated(self, preview: Preview, given: dict[str, Any]) -> Decimal:
        return ZERO if given.get("keep_charged") else preview.most

    def move(self, subject: Target, given: dict[str, Any], most: Decimal, **call: str) -> object:
        is_kept = bool(given.get("keep_charged"))
        return gateway.cancel(subject.what, refund=not is_kept, at_most=most, **call)


def _step(each: Cancellation) -> str:
    """Return what becomes of one payment."""
    words = {
        "voucher": voucher_name(each.payment),
        "released": amount_text(each.released, each.payment.currency),
        "refunded": amount_text(each.refunded, each.payment.currency),
    }
    if each.released and each.refunded:
        text = _("Gift voucher %(voucher)s: %(released)s is released, %(refunded)s is refunded.")
    elif each.refunded:
        text = _("Gift voucher %(voucher)s: %(refunded)s is refunded.")
    elif each.released:
        text = _("Gift voucher %(voucher)s: %(released)s is released.")
    elif each.archived:
        text = _("Gift voucher %(voucher)s: nothing is refunded.")
    else:
        text = _("Gift voucher %(voucher)s: nothing is reserved or charged.")
    return str(text) % words
