"""One person asks for a refund, another one decides: what both do on their pages, in short."""

import pytest

from tests.admin.test_actions import FOLDER, ORDER, confirm, form_of
from voucher_payment_gateway import gateway
from voucher_payment_gateway.exceptions import OutcomeUnknownError
from voucher_payment_gateway.models import VoucherApproval


def ask(client, amount="120,00"):
    return confirm(client, ORDER["refund"], amount=amount)


def address(request=None):
    return f"{FOLDER}approval/{(request or VoucherApproval.objects.latest('pk')).pk}/"


def decide(client, decision, page=None, request=None):
    """Post a decision from a page that was opened before, or is opened now; what is over sends its reader away."""
    page = page or client.get(address(request), follow=True)
    if getattr(page, "redirect_chain", None) or page.status_code == 403:
        return page
    given = form_of(page, decision=decision, reason="seen the parcel")
    return client.post(address(request), given, follow=True)


def charge_without_answer(shop, fault="after:drop"):
    """Capture the order A-2 of 200.00, to which no answer comes: nobody knows yet whether it was booked."""
    shop.voucher("200.00", code="GIFT-2000-WXYZ")
    order = shop.order("200.00", number="A-2")
    gateway.authorize(order, "GIFT-2000-WXYZ")
    shop.cloud.faults.next(fault, path="*/charge")
    with pytest.raises(OutcomeUnknownError):
        gateway.capture(order)
