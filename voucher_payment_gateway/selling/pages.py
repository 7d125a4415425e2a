"""What the page of a sold voucher says, by the state of its sale."""

from typing import Any, Literal

from django.utils import timezone

from voucher_payment_gateway.models import VoucherSale
from voucher_payment_gateway.opaque import HiddenText, strip_traceback
from voucher_payment_gateway.rules.sales import ENDED_SALES
from voucher_payment_gateway.rules.voucher_status import why_not_valid
from voucher_payment_gateway.sealing import unseal
from voucher_payment_gateway.selling import pdf, qr_code

__all__ = ["PageState", "page_facts", "state_of"]

PageState = Literal["unpaid", "preparing", "shown", "seen", "unreadable", "expired", "ended"]


def state_of(sale: VoucherSale) -> PageState:
    """Return what the page of the sale shows; ``unreadable`` where no sealing key opens the code."""
    if sale.status in ENDED_SALES or sale.target == "taken_back":
        return "ended"
    if sale.status != "active":
        return "unpaid" if sale.target == "issued" else "preparing"
    if sale.delivered_at is not None:
        return "seen"
    if why_not_valid(sale.status, sale.valid_until, timezone.now()):
        return "expired"
    return "shown" if unseal(sale.sealed_code) else "unreadable"


@strip_traceback
def page_facts(sale: VoucherSale, state: PageState) -> dict[str, Any]:
    """Return the context of the page; the code is in it only where it is shown."""
    facts: dict[str, Any] = {"sale": sale, "page_state": state}
    secret = unseal(sale.sealed_code) if state == "shown" else None
    if secret is None:
        return facts
    return facts | {
        "code": HiddenText(secret.code.reveal()),
        "pin": HiddenText(secret.pin.reveal()),
        "qr_code": qr_code.as_svg(secret.code) if qr_code.is_installed() else "",
        "has_pdf": pdf.is_installed() and pdf.can_write(sale),
    }
