"""What the clerk's pages say of operations and of what ended: the words, and nothing else."""

from typing import Any

from django.utils.translation import gettext_lazy as _

__all__ = ["DIFFERENCES", "DONE", "ENDED", "OUTCOMES", "TRIED", "voucher_name"]

DONE = {
    "reserve": _("%(amount)s was reserved on gift voucher %(voucher)s."),
    "charge": _("%(amount)s was charged to gift voucher %(voucher)s."),
    "refund": _("%(amount)s was refunded to gift voucher %(voucher)s."),
    "cancel": _("The reservation on gift voucher %(voucher)s was released."),
    "issue": _("Gift voucher %(voucher)s of %(amount)s was created; it is not valid yet."),
    "activate": _("Gift voucher %(voucher)s was activated: it can be redeemed."),
    "deactivate": _("Gift voucher %(voucher)s was deactivated: it cannot be redeemed any more."),
    "recharge": _("%(amount)s was put on gift voucher %(voucher)s."),
}
TRIED = {
    "reserve": _("Reserving %(amount)s on gift voucher %(voucher)s: %(outcome)s."),
    "charge": _("Charging %(amount)s to gift voucher %(voucher)s: %(outcome)s."),
    "refund": _("Refunding %(amount)s to gift voucher %(voucher)s: %(outcome)s."),
    "cancel": _("Releasing the reservation on gift voucher %(voucher)s: %(outcome)s."),
    "issue": _("Creating gift voucher %(voucher)s of %(amount)s: %(outcome)s."),
    "activate": _("Activating gift voucher %(voucher)s: %(outcome)s."),
    "deactivate": _("Deactivating gift voucher %(voucher)s: %(outcome)s."),
    "recharge": _("Putting %(amount)s on gift voucher %(voucher)s: %(outcome)s."),
}
OUTCOMES = {
    "due": _("not sent yet, it follows by itself"),
    "unverified": _("refused; the bookings are read before that is believed"),
    "sending": _("it is being sent just now"),
    "refused": _("refused by the Voucher Cloud, no money moved"),
    "unknown": _("no clear answer came; it is being checked, do not repeat it by hand"),
    "not_applied": _("not carried out, no money moved"),
    "order_changed": _("not carried out since the order was changed before, no money moved"),
    "manual": _("a person has to decide, since the money may have moved"),
}

ENDED = {
    "expired": _("Gift voucher %(voucher)s lapsed: nothing is held or promised any more, no money moved."),
    "taken_over": _("Gift voucher %(voucher)s was used for another order; nothing is held here any more."),
    "refused": _(
        "Gift voucher %(voucher)s failed: the Voucher Cloud refuses what was agreed. No money moved."
    ),
}

DIFFERENCES = {
    "ours_only": _("Our booking on gift voucher %(voucher)s is not at the Voucher Cloud."),
    "theirs_only": _("The Voucher Cloud has a booking on gift voucher %(voucher)s that we do not know."),
    "differs": _("A booking on gift voucher %(voucher)s is another one at the Voucher Cloud than ours."),
    "refund_by_hand": _("A charge to gift voucher %(voucher)s was refunded by hand at the Voucher Cloud."),
    "hold_left_open": _("A reservation on gift voucher %(voucher)s was left open."),
    "not_compared": _("The bookings of gift voucher %(voucher)s could not be read."),
    "order_gone": _("Gift voucher %(voucher)s has paid for an order that is gone."),
    "order_cancelled": _("Gift voucher %(voucher)s has paid for an order that is cancelled."),
    "order_overpaid": _("Gift voucher %(voucher)s has paid more than the order costs."),
    "voucher_gone": _("Gift voucher %(voucher)s, which was sold, is gone at the Voucher Cloud."),
    "voucher_status": _("Gift voucher %(voucher)s, which was sold, has another status at the Voucher Cloud."),
}


def voucher_name(row: Any) -> str:
    """Return what staff calls the voucher of a row: the end of its code, or its id where that is not known."""
    return f"…{row.code_hint}" if row.code_hint else row.voucher_id or "–"
