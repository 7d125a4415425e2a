"""The name of the person who runs a command."""

import getpass

__all__ = ["system_user"]


def system_user() -> str:
    """Return the name of the system's user; empty where it has none, as in some containers."""
    try:
        return getpass.getuser()
    except (OSError, KeyError):
        return ""
