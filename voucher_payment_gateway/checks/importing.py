"""Importing what a setting names, without an end in a traceback."""

from django.utils.module_loading import import_string

__all__ = ["imported"]


def imported(path: str) -> object:
    """Return what ``path`` names, or None."""
    try:
        return import_string(path)
    except ImportError:
        return None
