"""What happened to a sold gift voucher beside its operations: ordered, handed over, reminded."""

from collections.abc import Iterator

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from voucher_payment_gateway.admin.sentences import voucher_name
from voucher_payment_gateway.admin.story_line import StoryLine
from voucher_payment_gateway.checkout.wording import amount_text
from voucher_payment_gateway.models import VoucherSale

__all__ = ["delivery_problem", "sale_lines"]


def sale_lines(sale: VoucherSale) -> Iterator[StoryLine]:
    """Yield the lines of one sale, except for its operations."""
    if sale.origin == "topped_up":
        return
    yield StoryLine(sale.created_at, _ordered(sale), actor=sale.actor, reason=sale.reason)
    if sale.delivered_at:
        yield StoryLine(sale.delivered_at, _delivered(sale), "done")
    elif sale.deliver_due_at and sale.delivery_error:
        yield StoryLine(sale.updated_at, delivery_problem(sale), "attention")
    if sale.reminded_at:
        text = _("The recipient of gift voucher %(voucher)s was reminded of it.")
        yield StoryLine(sale.reminded_at, text % {"voucher": voucher_name(sale)})


def delivery_problem(sale: VoucherSale) -> str:
    """Return the sentence that says how often the delivery of a sale was tried, and what failed last."""
    count = sale.delivery_attempts
    text = ngettext(
        "Handing over gift voucher %(voucher)s failed (%(error)s); it was tried once.",
        "Handing over gift voucher %(voucher)s failed (%(error)s); it was tried %(count)s times.",
        count,
    )
    return text % {"voucher": voucher_name(sale), "error": sale.delivery_error, "count": count}


def _ordered(sale: VoucherSale) -> str:
    words = {"amount": amount_text(sale.amount, sale.currency), "voucher": voucher_name(sale)}
    if sale.origin == "sold":
        return _("A gift voucher of %(amount)s was bought.") % words
    if sale.origin in ("credit", "refund"):
        return _("A gift voucher of %(amount)s was given to the customer.") % words
    return _("A gift voucher of %(amount)s was issued or imported.") % words


def _delivered(sale: VoucherSale) -> str:
    words = {"voucher": voucher_name(sale), "recipient": sale.recipient_email}
    if sale.delivery == "mail" and sale.recipient_email:
        return _("Gift voucher %(voucher)s was sent to %(recipient)s.") % words
    return _("Gift voucher %(voucher)s was handed over.") % words
