"""The nonce of the page's Content Security Policy, for shops whose policy names one."""

from django.http import HttpRequest

__all__ = ["nonce_of"]

ATTRIBUTES = ("csp_nonce", "_csp_nonce")
"""Where django-csp and the middleware of Django 6 (``django.utils.csp``) keep it. Both make it on first use, and until
then it counts as false."""


def nonce_of(request: HttpRequest | None) -> str:
    """Return the nonce of this response, or an empty text where no middleware gives one."""
    kept = (getattr(request, name, None) for name in ATTRIBUTES)
    return next((str(nonce) for nonce in kept if nonce is not None), "")
