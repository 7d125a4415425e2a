"""For which database a statement was composed, and what is kept with one connection to it.

Connections of several threads share what was composed, as long as they were set up alike.
"""

from typing import Any

from django.conf import settings
from django.core.signals import setting_changed
from django.db.backends.base.base import BaseDatabaseWrapper

__all__ = ["Kind", "kept_with", "kind_of"]

ATTRIBUTE = "_voucher_payment_gateway_kind"

SETTINGS = ("DATABASES", "USE_TZ")
"""Settings by which the ORM would compose other statements, or read their rows in another way."""


class Kind:
    """One way in which connections are set up: statements for one are right for all of them."""


_kinds: dict[tuple[Any, ...], Kind] = {}


def kind_of(connection: BaseDatabaseWrapper) -> Kind:
    """Return the kind of the connection; two that are set up alike are of one kind."""
    return _noted(connection)[0]


def kept_with(connection: BaseDatabaseWrapper) -> dict[Any, Any]:
    """Return what is kept with this connection alone, and goes with it."""
    return _noted(connection)[1]


def _noted(connection: BaseDatabaseWrapper) -> tuple[Kind, dict[Any, Any], dict[tuple[Any, ...], Kind]]:
    noted: Any = vars(connection).get(ATTRIBUTE)
    if noted is None or noted[2] is not _kinds:
        options = repr(connection.settings_dict.get("OPTIONS"))
        key = (connection.alias, type(connection), hash(options), settings.USE_TZ)
        noted = (_kinds.setdefault(key, Kind()), {}, _kinds)
        setattr(connection, ATTRIBUTE, noted)
    return noted  # type: ignore[no-any-return]


def _forget(*, setting: str, **_: Any) -> None:
    """Compose everything again, also for connections that are open."""
    global _kinds
    if setting in SETTINGS:
        _kinds = {}


setting_changed.connect(_forget, dispatch_uid="voucher_payment_gateway.compiled")
