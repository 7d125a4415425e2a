"""The addresses of the checkout's endpoints, wherever the shop has included them."""

from collections.abc import Iterable, Iterator
from functools import lru_cache
from typing import Any

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.urls import NoReverseMatch, URLPattern, URLResolver, get_resolver, get_urlconf, reverse

__all__ = ["MARK", "addresses", "are_included"]

NAMES = ("apply", "remove", "renew", "state")
MODULE = "voucher_payment_gateway.checkout.urls"

MARK = "voucher_endpoint"
"""The attribute of a view that holds its name; decorators of the shop keep it."""


def addresses() -> dict[str, str]:
    """Return the address of each endpoint by its name. Raises ImproperlyConfigured where the URLs are not included."""
    return {name: _address(name) for name in NAMES}


def are_included() -> bool:
    """Return whether the URLs are included, under any namespace."""
    return len(_full_names(get_resolver(_urlconf()))) == len(NAMES)


def _address(name: str) -> str:
    try:
        return reverse(f"voucher_payment_gateway:{name}")
    except NoReverseMatch:
        full_name = _full_names(get_resolver(_urlconf())).get(name)
    if full_name is None:
        raise ImproperlyConfigured(
            'The addresses of the gift voucher checkout are not included: add path("vouchers/", '
            f'include("{MODULE}")) to {_urlconf()}.'
        )
    return reverse(full_name)


def _urlconf() -> Any:
    return get_urlconf() or settings.ROOT_URLCONF


@lru_cache(maxsize=8)
def _full_names(resolver: URLResolver) -> dict[str, str]:
    """Return the full name of each endpoint, with the namespaces that it stands under; the first where it is included
    twice."""
    found: dict[str, str] = {}
    for callback, full_name in _patterns(resolver.url_patterns, ()):
        found.setdefault(getattr(callback, MARK, ""), full_name)
    return {name: found[name] for name in NAMES if name in found}


def _patterns(patterns: Iterable[Any], namespaces: tuple[str, ...]) -> Iterator[tuple[Any, str]]:
    for pattern in patterns:
        if isinstance(pattern, URLResolver):
            inner = (*namespaces, pattern.namespace) if pattern.namespace else namespaces
            yield from _patterns(pattern.url_patterns, inner)
        elif isinstance(pattern, URLPattern) and pattern.name:
            yield pattern.callback, ":".join((*namespaces, pattern.name))
