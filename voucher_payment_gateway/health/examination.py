"""The health of a running shop, as status words: five statements by index, and no call to the Voucher Cloud."""

from collections.abc import Callable, Iterable
from datetime import timedelta
from types import MappingProxyType
from typing import Final

import django.db
from django.core.exceptions import ImproperlyConfigured
from django.db.models import Q
from django.utils import timezone

from voucher_payment_gateway.alerts import ALERT_SECONDS
from voucher_payment_gateway.conf import gateway_settings
from voucher_payment_gateway.gateway.recovery.last_sweep import sweep_state
from voucher_payment_gateway.log_events import RunningEvents
from voucher_payment_gateway.models import VoucherDifference, VoucherGatewayState, VoucherOperation
from voucher_payment_gateway.models.conditions import IS_OPEN
from voucher_payment_gateway.short_memory import is_first

__all__ = ["CHECKS", "NEEDED_TO_SERVE", "NOT_KNOWN", "WELL", "examine"]

LONG_UNKNOWN = timedelta(hours=2)
"""``settle`` resolves an unknown outcome within 40 minutes, if the voucher's bookings can be read."""

MANY_ATTEMPTS = 2
"""A call that was sent more often is no single lost answer."""

NOT_KNOWN = "not known"

WELL: Final = ("ok", "never")
"""The words that call for no person: ``never`` is a new shop, in which nothing has waited for a sweep."""

NEEDED_TO_SERVE: Final = ("database", "settings")


def _database() -> str:
    VoucherGatewayState.current.filter(name="").exists()
    return "ok"


def _settings() -> str:
    gateway_settings()
    return "ok"


def _settle() -> str:
    state = sweep_state()
    if state == "late" and is_first("settle.late", ALERT_SECONDS):
        RunningEvents.settle_late.log()
    return state


def _unknown_outcomes() -> str:
    """An outcome that stays unknown blocks its voucher. It counts from its last sending, since it may have been due for
    long before; what was sent again and again counts from its beginning."""
    unknown = VoucherOperation.current.filter(IS_OPEN, state="unknown")
    began = {"sending_at": None, "attempts__gt": MANY_ATTEMPTS}
    long_ago = timezone.now() - LONG_UNKNOWN
    from_beginning = Q(*began.items(), _connector=Q.OR) & Q(created_at__lt=long_ago)
    return "old" if unknown.filter(Q(sending_at__lt=long_ago) | from_beginning).exists() else "ok"


def _decisions() -> str:
    """Operations that wait for a person's decision, and differences that are not explained."""
    if VoucherOperation.current.filter(state="manual").exists():
        return "waiting"
    return "waiting" if VoucherDifference.current.filter(explained_at=None, gone_at=None).exists() else "ok"


CHECKS: Final = MappingProxyType(
    {
        "database": (_database, "away"),
        "settings": (_settings, "wrong"),
        "settle": (_settle, NOT_KNOWN),
        "unknown_outcomes": (_unknown_outcomes, NOT_KNOWN),
        "decisions": (_decisions, NOT_KNOWN),
    }
)
"""Each check with the word for it where it fails itself."""


def examine(names: Iterable[str] = CHECKS) -> dict[str, str]:
    """Return a status word for each of these checks. Raises nothing; nothing is changed.

    A database that is away is asked once: each attempt to connect may last.
    """
    found: dict[str, str] = {}
    for name in names:
        check, without = CHECKS[name]
        is_known = found.get("database") != "away" or name == "settings"
        found[name] = _word(check, without) if is_known else without
    return found


def _word(check: Callable[[], str], without: str) -> str:
    try:
        return check()
    except (ImproperlyConfigured, django.db.Error):
        return without
