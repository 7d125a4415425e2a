"""What an address, a file of certificates and a number of seconds must be: for the client and the shop's settings."""

import ipaddress
import re
import ssl
from collections.abc import Callable
from pathlib import Path
from urllib.parse import SplitResult, urlsplit

__all__ = [
    "MAX_CLIENT_ID_LENGTH",
    "MAX_CLIENT_TYPE_LENGTH",
    "MAX_SECONDS",
    "MAX_SECRET_LENGTH",
    "credential",
    "is_loopback",
    "proxy_problem",
    "read_certificates",
    "url_problem",
]

MAX_SECONDS = 3600
"""Maximum of a timeout and of a deadline."""

MAX_CLIENT_ID_LENGTH = 255
MAX_CLIENT_TYPE_LENGTH = 32
MAX_SECRET_LENGTH = 1000

BYTE_ORDER_MARK = "\ufeff"

_LABEL = re.compile("[a-z0-9_-]{1,63}")


def is_loopback(host: str) -> bool:
    """Say whether a host is this machine. No name is looked up."""
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def credential(text: str, maximum: int) -> str:
    """Return ``text`` without the blanks and line ends around it, which files and environment variables bring along.

    Raises ValueError, which repeats nothing of it, unless 1 to ``maximum`` printable characters are left.
    """
    bare = text.strip().strip(BYTE_ORDER_MARK).strip()
    if not bare:
        raise ValueError("must not be empty")
    if len(bare) > maximum:
        raise ValueError(f"must have at most {maximum} characters")
    if not bare.isprintable():
        raise ValueError("must be one line of printable characters")
    return bare


def url_problem(url: str, *, allows_http: Callable[[str], bool] = is_loopback) -> str:
    """Return why an address cannot be called, with the cure; empty where it can.

    The text repeats no part of the address, which may hold a secret. ``allows_http`` says for which hosts plain
    HTTP is allowed.
    """
    if not (url.isascii() and url.isprintable()) or " " in url:
        return "must be plain ASCII without spaces: write other letters of a host name in their xn-- form"
    scheme, parts = url.partition("://")[0].lower(), _split(url)
    host = (parts and parts.hostname) or ""
    if scheme != "https" and not (scheme == "http" and allows_http(host)):
        return "must start with https:// (http:// only for a loopback address, in development)"
    if "@" in (parts.netloc if parts else url):
        return "must hold no user name and no password: take out what stands before the @, and the @"
    if "?" in url or "#" in url:
        return "must hold no query and no fragment: take out the ? or # and what follows"
    if parts is None or not _is_host(host):
        return "has no host name that can be: write it as in https://host.example/v1"
    return "" if _has_valid_port(parts) else "has no port that can be: use 1 to 65535, or leave it out"


def proxy_problem(url: str) -> str:
    """Return why an address is none of a forward proxy, with the cure; empty where it is.

    The text repeats no part of the address, which may hold a password. Plain HTTP is allowed: the calls themselves go
    through the proxy over TLS.
    """
    if not (url.isascii() and url.isprintable()) or " " in url:
        return "must be plain ASCII without spaces: write other letters of a password as %XX"
    parts = _split(url)
    if url.partition("://")[0].lower() not in ("http", "https") or parts is None:
        return "must start with http:// or https://, as in http://proxy.example:3128"
    if "?" in url or "#" in url or parts.path not in ("", "/"):
        return "must end after the port: write a /, ? or # of a password as %2F, %3F or %23"
    if not _is_host(parts.hostname or "") or parts.netloc.count("@") > 1:
        return "has no host name that can be: write it as in http://proxy.example:3128, and an @ of a password as %40"
    return "" if _has_valid_port(parts) else "has no port that can be: use 1 to 65535, or leave it out"


def read_certificates(path: str | Path) -> ssl.SSLContext:
    """Return a TLS context that trusts the authorities of a PEM file alone. Raises ValueError where it has none."""
    try:
        return ssl.create_default_context(cafile=path)
    except (OSError, TypeError, ValueError):  # an SSLError is an OSError
        pass
    raise ValueError("must be a file of certificates in PEM")


def _split(url: str) -> SplitResult | None:
    try:
        return urlsplit(url)
    except ValueError:
        return None


def _is_host(host: str) -> bool:
    if ":" not in host:
        return len(host) <= 253 and all(_LABEL.fullmatch(label) for label in host.split("."))
    try:
        return ipaddress.IPv6Address(host).scope_id is None
    except ValueError:
        return False


def _has_valid_port(parts: SplitResult) -> bool:
    try:
        return parts.port != 0 and not parts.netloc.endswith(":")
    except ValueError:
        return False
