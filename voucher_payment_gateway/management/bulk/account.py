"""The merchant account that a command is given."""

from django.core.exceptions import ImproperlyConfigured

from voucher_payment_gateway.conf import gateway_settings

__all__ = ["check_account"]


def check_account(account: str) -> None:
    """Raise ImproperlyConfigured unless the shop has this account."""
    names = gateway_settings().account_names
    if account not in names:
        raise ImproperlyConfigured(f"--account: {account!r} is none of {', '.join(map(repr, names))}.")
