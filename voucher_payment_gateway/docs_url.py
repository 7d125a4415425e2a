"""Where the documentation is on the web. An installed package has no folder ``docs``."""

__all__ = ["DOCUMENTATION", "docs_url"]

DOCUMENTATION = "https://voucher-payment-gateway.readthedocs.io/en/latest/"
"""The URL of the documentation; the same as in ``pyproject.toml``."""


def docs_url(page: str) -> str:
    """Return the URL of a page, such as ``"reference/settings"`` or ``"reference/settings#throttle"``."""
    path, _, heading = page.partition("#")
    return f"{DOCUMENTATION}{path}/{'#' * bool(heading)}{heading}"
