"""The addresses of the package's own views, wherever the shop has included their URLs."""

from collections.abc import Iterable, Iterator
from functools import lru_cache
from typing import Any

from django.conf import settings
from django.urls import NoReverseMatch, URLPattern, URLResolver, get_resolver, get_urlconf, reverse

__all__ = ["MARK", "address", "included_names", "urlconf"]

MARK = "voucher_endpoint"
"""The attribute of a view that holds its name; decorators of the shop keep it."""

NAMESPACE = "voucher_payment_gateway"


def address(name: str, **arguments: str) -> str | None:
    """Return the address of the view with this mark, or None where its URLs are not included."""
    try:
        return reverse(f"{NAMESPACE}:{name}", kwargs=arguments)
    except NoReverseMatch:
        full_name = included_names().get(name)
    return None if full_name is None else reverse(full_name, kwargs=arguments)


def included_names() -> dict[str, str]:
    """Return the full name of each view by its mark, with the namespaces that it stands under; the first where it is
    included twice."""
    return _full_names(get_resolver(urlconf()))


def urlconf() -> Any:
    """Return the URL configuration in use."""
    return get_urlconf() or settings.ROOT_URLCONF


@lru_cache(maxsize=8)
def _full_names(resolver: URLResolver) -> dict[str, str]:
    found: dict[str, str] = {}
    for callback, full_name in _patterns(resolver.url_patterns, ()):
        if name := getattr(callback, MARK, ""):
            found.setdefault(name, full_name)
    return found


def _patterns(patterns: Iterable[Any], namespaces: tuple[str, ...]) -> Iterator[tuple[Any, str]]:
    for pattern in patterns:
        if isinstance(pattern, URLResolver):
            inner = (*namespaces, pattern.namespace) if pattern.namespace else namespaces
            yield from _patterns(pattern.url_patterns, inner)
        elif isinstance(pattern, URLPattern) and pattern.name:
            yield pattern.callback, ":".join((*namespaces, pattern.name))
