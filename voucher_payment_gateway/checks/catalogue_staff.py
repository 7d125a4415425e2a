"""The numbered checks of what staff does in the admin, and of the notices to it: a part of the catalogue."""

from typing import Final

from voucher_payment_gateway.checks.check import SETTINGS, Check
from voucher_payment_gateway.docs_url import docs_url

__all__ = ["STAFF"]

STAFF: Final = {
    "E061": Check(
        keys=("REFUND_APPROVAL_ABOVE", "REFUND_APPROVAL_HOURS"),
        cure='Give amounts by currency, such as {"EUR": "100.00"}, or None for no limit, and hours above zero: '
        f"{SETTINGS}#staff.",
    ),
    "W062": Check(
        messages={
            "no_admin": "{NAME}: STAFF_NOTICES: is set, but {urlconf} has no admin: the notices to staff have no links."
        },
        cure=f"Include admin.site.urls, which has the pages of the cases: {docs_url('how-to/tell-staff')}",
    ),
    "E063": Check(
        keys=("STAFF_NOTICES",),
        cure=f"Name addresses of mail, or a webhook with its secret: {SETTINGS}#staff_notices lists the keys.",
    ),
}
