"""The numbered checks of the notices to staff: a part of the catalogue."""

from typing import Final

from voucher_payment_gateway.checks.check import SETTINGS, Check
from voucher_payment_gateway.docs_url import docs_url

__all__ = ["STAFF"]

STAFF: Final = {
    "E061": Check(
        keys=("STAFF_NOTICES",),
        cure=f"Name addresses of mail, or a webhook with its secret: {SETTINGS}#staff_notices lists the keys.",
    ),
    "W062": Check(
        messages={
            "no_admin": "{NAME}: STAFF_NOTICES: is set, but {urlconf} has no admin: the notices to staff have no links."
        },
        cure=f"Include admin.site.urls, which has the pages of the cases: {docs_url('how-to/tell-staff')}",
    ),
}
