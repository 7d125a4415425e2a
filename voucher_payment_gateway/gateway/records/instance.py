"""Which installation this database belongs to: a copy of a live database must send nothing.

The name in ``INSTANCE`` is stored in the database once. Where settings and database disagree, the database was copied
or put back: the installation it came from may have made the charges and refunds that are due in it.
"""

from time import monotonic
from typing import Any

from django.core.signals import setting_changed
from django.db import transaction

from voucher_payment_gateway.conf import NAME, gateway_settings
from voucher_payment_gateway.docs_url import docs_url
from voucher_payment_gateway.exceptions import UnavailableError
from voucher_payment_gateway.gateway.records.conflicts import database
from voucher_payment_gateway.log_events import RunningEvents
from voucher_payment_gateway.models import VoucherGatewayState

__all__ = ["adopt", "disagreement", "refuse_other_instance", "stored_instance"]

STEPS = docs_url("how-to/restores-and-copies")

ROW = "instance"

TRUSTED_SECONDS = 60.0
"""How long a process relies on an agreement that it has read. A disagreement is read again each time."""

_agreed: dict[tuple[str, str], float] = {}
"""By database alias and ``INSTANCE``: until when, on the monotonic clock, the agreement is relied on."""


def refuse_other_instance() -> None:
    """Raise UnavailableError (``other_instance``) where this database is not that of this installation; nothing was
    sent. Called before anything is sent; an agreement costs one statement a minute.

    A database without a name gets that of the settings. Inside of a transaction it does not: its lock would be held
    while the network is slow.
    """
    wanted = gateway_settings().INSTANCE
    key = (database(), wanted)
    if _agreed.get(key, 0.0) > monotonic():
        return
    stored = stored_instance()
    if wanted and not stored and _is_autocommit():
        stored = VoucherGatewayState.current.get_or_create(name=ROW, defaults={"value": wanted})[0].value
    if problem := disagreement(wanted, stored):
        RunningEvents.database_of_another_instance.log(problem=problem)
        raise UnavailableError(f"{problem} Nothing was sent.", code="other_instance")
    if stored == wanted:
        _agreed[key] = monotonic() + TRUSTED_SECONDS


def disagreement(wanted: str, stored: str) -> str:
    """Return what is wrong where the settings name ``wanted`` and the database ``stored``, and the cure; else ""."""
    if stored in ("", wanted):
        return ""
    if not wanted:
        return (
            f"INSTANCE: it is not set, but this database is that of {stored!r}. Set it to that name where this is that "
            f"installation; for a copy see {STEPS}."
        )
    return (
        f"INSTANCE: this database is that of {stored!r}, not of {wanted!r}: it was copied or put back. See "
        f"{STEPS}, then run voucher_settle --adopt."
    )


def adopt() -> str:
    """Store that this database is now that of ``INSTANCE``, and return the name that it had before."""
    before = stored_instance()
    value = {"value": gateway_settings().INSTANCE}
    VoucherGatewayState.current.update_or_create(name=ROW, defaults=value)
    _agreed.clear()
    return before


def stored_instance() -> str:
    """Return the name in the database; "" where there is none."""
    row = VoucherGatewayState.current.filter(name=ROW).first()
    return str(row.value) if row else ""


def _is_autocommit() -> bool:
    connection = transaction.get_connection(database())
    return bool(connection.get_autocommit()) and not connection.in_atomic_block


def _forget(*, setting: str, **_: Any) -> None:
    if setting == NAME:
        _agreed.clear()


setting_changed.connect(_forget, dispatch_uid="voucher_payment_gateway.instance")
