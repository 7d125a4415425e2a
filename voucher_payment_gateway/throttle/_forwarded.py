"""The hops that the proxies on the way have written: in ``X-Forwarded-For``, or in ``Forwarded`` (RFC 7239)."""

import re
from collections.abc import Iterator

__all__ = ["forwarded_hops", "x_forwarded_for_hops"]

MAX_LENGTH = 4096
"""No more than the end of a header is read: it is there that our own proxies write."""

PAIR = re.compile(r'[ \t]*([!#$%&\'*+.^_`|~0-9A-Za-z-]+)=("(?:[^"\\]|\\.)*"|[^",;\\\s]+)[ \t]*')


def x_forwarded_for_hops(header: str) -> Iterator[str]:
    """Yield the hops, the last one first."""
    yield from reversed(header.split(","))


def forwarded_hops(header: str) -> Iterator[str]:
    """Yield the ``for`` of each element, the last one first; an empty one, and no more, for an invalid element.

    Read from the end: the visitor may have written anything at the beginning, such as a quotation mark that is never
    closed. So an element is the shortest valid one before the comma.
    """
    rest: str | None = header[-MAX_LENGTH:]
    while rest is not None:
        rest, pairs = _last_element(rest)
        names = [name.lower() for name, _ in pairs]
        if names.count("for") != 1:
            yield ""
            return
        yield pairs[names.index("for")][1]


def _last_element(header: str) -> tuple[str | None, list[tuple[str, str]]]:
    """Return what stands before the last element, or None, and the pairs of that element; none where it is invalid."""
    end = len(header)
    while (comma := header.rfind(",", 0, end)) >= 0:
        if pairs := _pairs(header[comma + 1 :]):
            return header[:comma], pairs
        end = comma
    return None, _pairs(header)


def _pairs(element: str) -> list[tuple[str, str]]:
    """Return the names and values of an element; none where it is invalid."""
    found: list[tuple[str, str]] = []
    position = 0
    while match := PAIR.match(element, position):
        found.append((match[1], _unquoted(match[2])))
        if match.end() == len(element):
            return found
        if element[match.end()] != ";":
            return []
        position = match.end() + 1
    return []


def _unquoted(value: str) -> str:
    return re.sub(r"\\(.)", r"\1", value[1:-1]) if value.startswith('"') else value
