"""The link to the page that shows a sold voucher. Whoever has it may see the code until that was confirmed.

It carries the primary key of the sale and a signature, never a code or the id of the voucher. The id is signed with it,
so in a database that was put back an old link opens no other voucher.
"""

import re

from django.core.exceptions import ImproperlyConfigured
from django.core.signing import BadSignature, Signer

from voucher_payment_gateway.endpoint_addresses import address, urlconf
from voucher_payment_gateway.models import VoucherSale

__all__ = ["PAGE", "page_path", "sale_of_link"]

PAGE = "sold_page"
"""The name of the page's address."""

SALT = "voucher_payment_gateway.sold_page"
LINK = re.compile(r"([1-9][0-9]{0,17})\.[A-Za-z0-9_=-]{20,100}")


def page_path(sale: VoucherSale) -> str:
    """Return the path of the page of ``sale``, such as ``/vouchers/sold/12.hZ…/``, for its buyer alone.

    Raises ImproperlyConfigured where ``voucher_payment_gateway.checkout.urls`` is not included.
    """
    found = address(PAGE, link=_signer(sale).sign(str(sale.pk)))
    if found is None:
        raise ImproperlyConfigured(
            'The page of a sold gift voucher has no address: add path("vouchers/", '
            f'include("voucher_payment_gateway.checkout.urls")) to {urlconf()}.'
        )
    return found


def sale_of_link(link: str) -> VoucherSale | None:
    """Return the sale that a link was made for, or None for any other text."""
    match = LINK.fullmatch(link)
    pk = int(match[1]) if match else 0
    sale: VoucherSale | None = VoucherSale.current.filter(pk=pk).first()
    if sale is None:
        return None
    try:
        _signer(sale).unsign(link)
    except BadSignature:
        return None
    return sale


def _signer(sale: VoucherSale) -> Signer:
    return Signer(sep=".", salt=f"{SALT}.{sale.voucher_id}")
