"""The vouchers that an order has sold, each with one sentence about its state: for the shop's page of the order."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.utils.formats import date_format
from django.utils.timezone import localtime, now
from django.utils.translation import gettext as _

from voucher_payment_gateway.checkout.summary import is_missing
from voucher_payment_gateway.checkout.wording import amount_text, last_day_text
from voucher_payment_gateway.delivery.links import page_path
from voucher_payment_gateway.models import VoucherSale
from voucher_payment_gateway.orders import known_number, order_created_at
from voucher_payment_gateway.rules.sales import ENDED_SALES
from voucher_payment_gateway.rules.voucher_status import why_not_valid

__all__ = ["LIST_TEMPLATE", "SoldLine", "sold_document", "sold_lines"]

LIST_TEMPLATE = "voucher_payment_gateway/sold_list.html"


@dataclass(frozen=True)
class SoldLine:
    """One sold voucher, worth ``value`` in ``currency``; ``key`` is the shop's own. ``state`` is for style, ``text``
    and ``amount`` are for people, ``link`` is the path of its page or empty."""

    key: str
    value: Decimal
    currency: str
    state: str
    text: str
    amount: str
    hint: str
    link: str


def sold_lines(order: Any) -> list[SoldLine]:
    """Return a line for each voucher that ``order`` has sold, oldest first; none where there is no order.

    Of several sales with one key, each of which followed one that came to nothing, the last one counts.
    """
    if is_missing(order) or not (number := known_number(order)):
        return []
    sales = VoucherSale.current.of_order(number, order_created_at(order)).exclude(end_reason="replaced")
    latest = {sale.key: sale for sale in sales.order_by("pk")}
    return [_line(sale) for sale in latest.values()]


def sold_document(order: Any) -> dict[str, Any]:
    """Return the JSON of these lines, for a storefront. ``page`` is null where there is none; amounts are strings with
    two decimals."""
    return {
        "vouchers": [
            {
                "key": line.key,
                "amount": f"{line.value:.2f}",
                "currency": line.currency,
                "hint": line.hint,
                "status": line.state,
                "message": line.text,
                "page": line.link or None,
            }
            for line in sold_lines(order)
        ]
    }


def _line(sale: VoucherSale) -> SoldLine:
    state = _state_of(sale)
    has_page = sale.delivery == "page" and state not in ("ended", "expired")
    return SoldLine(
        key=sale.key,
        value=sale.amount,
        currency=sale.currency,
        state=state,
        text=TEXTS[state](sale),
        amount=amount_text(sale.amount, sale.currency),
        hint=sale.code_hint,
        link=page_path(sale) if has_page else "",
    )


def _state_of(sale: VoucherSale) -> str:
    if sale.status in ENDED_SALES or sale.target == "taken_back":
        return "failed" if sale.status == "failed" else "ended"
    if sale.status != "active":
        return "unpaid" if sale.target == "issued" else "preparing"
    if sale.delivered_at is None and why_not_valid(sale.status, sale.valid_until, now()):
        return "expired"
    if sale.delivery == "page":
        return "seen" if sale.delivered_at else "ready"
    if sale.delivered_at is None:
        return "planned" if sale.deliver_at and sale.deliver_at > now() else "sending"
    return "sent" if sale.delivery == "mail" else "handed_over"


def _sent(sale: VoucherSale) -> str:
    words = {"address": _masked(sale.recipient_email), "day": _day(sale.delivered_at)}
    if not sale.recipient_email:  # erased since
        return _("Sent on %(day)s.") % words
    return _("Sent to %(address)s on %(day)s.") % words


def _planned(sale: VoucherSale) -> str:
    words = {"address": _masked(sale.recipient_email), "day": _day(sale.deliver_at)}
    if not sale.recipient_email:
        return _("Will be sent on %(day)s.") % words
    return _("Will be sent to %(address)s on %(day)s.") % words


def _expired(sale: VoucherSale) -> str:
    return _("Expired: it was valid until %(day)s.") % {"day": last_day_text(sale.valid_until)}  # type: ignore[arg-type]


def _masked(address: str) -> str:
    """Return an e-mail address of which only the first letter and the domain are read."""
    name, _at, domain = address.rpartition("@")
    return f"{name[:1]}…@{domain}"


def _day(instant: datetime | None) -> str:
    return date_format(localtime(instant), "SHORT_DATE_FORMAT") if instant else ""


TEXTS: dict[str, Callable[[VoucherSale], str]] = {
    "unpaid": lambda _sale: _("Waiting for the payment of the order."),
    "preparing": lambda _sale: _("Being prepared."),
    "planned": _planned,
    "sending": lambda _sale: _("About to be sent."),
    "sent": _sent,
    "handed_over": lambda sale: _("Handed over on %(day)s.") % {"day": _day(sale.delivered_at)},
    "ready": lambda _sale: _("Ready: open it to see the code."),
    "seen": lambda sale: _("Its code was shown on %(day)s.") % {"day": _day(sale.delivered_at)},
    "expired": _expired,
    "ended": lambda _sale: _("No longer valid."),
    "failed": lambda _sale: _("Could not be issued. Please ask us."),
}
