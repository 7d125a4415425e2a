"""The addresses of the clerk's own pages. None holds a code: order numbers and ids of vouchers alone."""

from typing import Any
from urllib.parse import urlencode

from django.urls import reverse

__all__ = [
    "admin_address",
    "approval_address",
    "approvals_address",
    "conclude_address",
    "order_address",
    "page_address",
    "statement_address",
    "withdraw_address",
]

APP = "voucher_payment_gateway"


def page_address(site: Any, page: str, **query: str) -> str:
    """Return the address of one of our own pages: ``order``, ``search``, ``attention`` or ``statement``."""
    address = reverse(f"admin:{APP}_{page}", current_app=site.name)
    return f"{address}?{urlencode(query)}" if query else address


def order_address(site: Any, number: str) -> str:
    """Return the address of the page that tells the story of this order's gift vouchers."""
    return page_address(site, "order", number=number)


def statement_address(site: Any, voucher_id: str, account: str = "") -> str:
    """Return the address of the statement of this voucher; "" where its id is not known."""
    return page_address(site, "statement", voucher=voucher_id, account=account) if voucher_id else ""


def conclude_address(site: Any, operation_id: int) -> str:
    """Return the address of the page on which this operation is decided."""
    return reverse(f"admin:{APP}_conclude", args=[operation_id], current_app=site.name)


def approval_address(site: Any, approval_id: int) -> str:
    """Return the address of the page on which this request for a refund is approved or rejected."""
    return reverse(f"admin:{APP}_approve", args=[approval_id], current_app=site.name)


def withdraw_address(site: Any, approval_id: int) -> str:
    """Return the address of the page on which this request for a refund is withdrawn."""
    return reverse(f"admin:{APP}_withdraw", args=[approval_id], current_app=site.name)


def approvals_address(site: Any, number: str) -> str:
    """Return the address of the list of all requests for refunds of this order."""
    return page_address(site, "voucherapproval_changelist", order_number=number)


def admin_address(site: Any, row: Any) -> str:
    """Return the address of the admin's own page of a row; "" where its model has none."""
    if not site.is_registered(type(row)):
        return ""
    meta = row._meta
    return reverse(f"admin:{meta.app_label}_{meta.model_name}_change", args=[row.pk], current_app=site.name)
