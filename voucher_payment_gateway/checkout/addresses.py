"""The addresses of the checkout's endpoints, wherever the shop has included them."""

from django.core.exceptions import ImproperlyConfigured

from voucher_payment_gateway.endpoint_addresses import address, included_names, urlconf

__all__ = ["addresses", "are_included"]

NAMES = ("apply", "remove", "renew", "state")
MODULE = "voucher_payment_gateway.checkout.urls"


def addresses() -> dict[str, str]:
    """Return the address of each endpoint by its name. Raises ImproperlyConfigured where the URLs are not included."""
    return {name: _address(name) for name in NAMES}


def are_included() -> bool:
    """Return whether the URLs are included, under any namespace."""
    return included_names().keys() >= set(NAMES)


def _address(name: str) -> str:
    found = address(name)
    if found is None:
        raise ImproperlyConfigured(
            'The addresses of the gift voucher checkout are not included: add path("vouchers/", '
            f'include("{MODULE}")) to {urlconf()}.'
        )
    return found
