"""Texts from the caller, as every database can store them."""

__all__ = ["storable"]


def storable(given: object, max_length: int) -> str:
    """Return the text without what a database refuses, cut off at ``max_length``; empty for None."""
    text = "" if given is None else str(given)
    return text.replace("\0", "").encode("utf-8", "replace").decode()[:max_length]
