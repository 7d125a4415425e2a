"""Checks of the shop's own side: settings, cache, database, open operations and sealing keys."""

import secrets
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from threading import Barrier
from typing import Any

from django.conf import settings
from django.core import checks
from django.core.cache import caches
from django.core.cache.backends.base import BaseCache
from django.core.cache.backends.dummy import DummyCache
from django.core.cache.backends.filebased import FileBasedCache
from django.core.cache.backends.locmem import LocMemCache
from django.db import DatabaseError, connections, router
from django.db.models import Count, Min, Q, QuerySet, UniqueConstraint
from django.utils import timezone

from voucher_payment_gateway.conf import GatewaySettings, gateway_settings
from voucher_payment_gateway.gateway.records.instance import disagreement, stored_instance
from voucher_payment_gateway.gateway.records.missing_accounts import missing_accounts
from voucher_payment_gateway.management.doctor.commits import commit_findings
from voucher_payment_gateway.management.doctor.report import Finding, age
from voucher_payment_gateway.models import VoucherOperation, VoucherPayment, VoucherSale
from voucher_payment_gateway.models.conditions import HAS_CODE, IS_OPEN
from voucher_payment_gateway.sealing import unseal_text

__all__ = ["cache_findings", "database_findings", "sealing_findings", "settings_findings"]

APP = "voucher_payment_gateway"

OVERDUE_AFTER = timedelta(minutes=15)
"""An operation overdue for longer than this means that ``voucher_settle`` does not run."""

ALONE = "every process fetches its own access token, and finds out by itself that the Voucher Cloud does not answer"

TRIAL_TIMEOUT_SECONDS = 30
THREADS = 8
ROUNDS = 5
MAX_CODES = 1000


def settings_findings() -> Iterator[Finding]:
    """Yield the messages of the system checks about the settings; without DEBUG also of those for production."""
    messages = list(_messages(include_deployment_checks=not settings.DEBUG))
    for number, message in messages:
        yield Finding("settings", "trouble" if number.startswith("E") else "warning", f"{number}: {message}")
    if not messages:
        yield Finding("settings", "ok", "all checks passed")


def _messages(**options: Any) -> Iterator[tuple[str, str]]:
    """Yield number and message of each failed system check of this app, silenced warnings left out.

    A silenced error is yielded too: the gateway refuses to work with it.
    """
    for message in checks.run_checks(**options):
        app, _, number = str(message.id).rpartition(".")
        if app == APP and (number.startswith("E") or not message.is_silenced()):
            yield number, message.msg


def cache_findings(given: GatewaySettings) -> Iterator[Finding]:
    """Yield whether the default cache stores values, adds a key atomically, and is shared by all processes."""
    try:
        yield _cache_finding(caches["default"], bool(given.SEALING_KEYS))
    except Exception as error:  # a cache backend or its driver may raise any class
        yield Finding("cache", "trouble", f"it cannot be used ({type(error).__name__})")


def _cache_finding(cache: BaseCache, seals: bool) -> Finding:
    if isinstance(cache, DummyCache):
        return Finding("cache", "warning", f"it keeps nothing: {ALONE}")
    key, value = f"voucher_payment_gateway.doctor.{secrets.token_hex(8)}", secrets.token_hex(8)
    cache.set(key, value, TRIAL_TIMEOUT_SECONDS)
    kept = cache.get(key)
    cache.delete(key)
    if kept != value:
        return Finding("cache", "trouble", "it does not give back what was stored")
    if isinstance(cache, LocMemCache):
        return Finding("cache", "warning", f"it is one per process: {ALONE}")
    if isinstance(cache, FileBasedCache) or not _add_is_atomic(key):
        text = "add() is not atomic: at a start several processes may fetch an access token"
        return Finding("cache", "warning", text)
    if not seals:
        return Finding("cache", "ok", "it works, but without SEALING_KEYS no access token is shared in it")
    return Finding("cache", "ok", "it keeps what is stored, and add() is atomic")


def _add_is_atomic(key: str) -> bool:
    barrier = Barrier(THREADS)

    def add(name: str) -> bool:
        barrier.wait(TRIAL_TIMEOUT_SECONDS)
        try:
            return bool(caches["default"].add(name, 1, TRIAL_TIMEOUT_SECONDS))
        finally:
            caches["default"].close()
            connections.close_all()  # opened in this thread by a cache in the database

    with ThreadPoolExecutor(THREADS) as pool:
        for turn in range(ROUNDS):
            name = f"{key}.{turn}"
            winners = sum(pool.map(add, [name] * THREADS))
            caches["default"].delete(name)
            if winners != 1:
                return False
    return True


def database_findings() -> Iterator[Finding]:
    """Yield whether the unique indexes that protect the money exist, and the open operations."""
    alias = router.db_for_write(VoucherOperation)
    try:
        guards = _guards_finding(alias)
        yield guards
        yield from commit_findings(connections[alias])
        if guards.state != "trouble":
            yield from _instance_findings()
            yield from _account_findings()
            yield from _operation_findings()
    except DatabaseError as error:
        yield Finding("database", "trouble", f"{alias!r} cannot be used ({type(error).__name__})")


def _guards_finding(alias: str) -> Finding:
    for number, message in _messages(tags=[checks.Tags.database], databases=[alias]):
        if number.startswith("E"):
            return Finding("database", "trouble", f"{number}: {message}")
    connection, wanted, found = connections[alias], set[str](), set[str]()
    with connection.cursor() as cursor:
        tables = connection.introspection.table_names(cursor)
        for model in (VoucherPayment, VoucherOperation):
            if model._meta.db_table not in tables:
                return Finding("database", "trouble", f"{alias!r} has no tables of this app: run migrate")
            found |= connection.introspection.get_constraints(cursor, model._meta.db_table).keys()
            wanted |= {each.name for each in model._meta.constraints if isinstance(each, UniqueConstraint)}
    if wanted - found:
        return Finding("database", "trouble", f"missing: {', '.join(sorted(wanted - found))}: run migrate")
    return Finding("database", "ok", f"{alias!r} has the {len(wanted)} unique indexes that guard the money")


def _instance_findings() -> Iterator[Finding]:
    """Yield whether the database is that of ``INSTANCE``, where one of them has a name."""
    wanted, stored = gateway_settings().INSTANCE, stored_instance()
    if problem := disagreement(wanted, stored):
        yield Finding("instance", "trouble", f"{problem} Nothing is sent")
    elif wanted:
        text = "" if stored else ", stored in it by the next voucher_settle"
        yield Finding("instance", "ok", f"the database is that of {wanted!r}{text}")


def _account_findings() -> Iterator[Finding]:
    """Yield whether there are credentials for every payment that is not done."""
    for account, count in missing_accounts().items():
        name = f"account {account}" if account else "default account"
        yield Finding(
            name,
            "trouble",
            f"{count} payments of it are not done, and the settings have no credentials for it: nothing is sent for "
            "them until it is in ACCOUNTS again",
        )


def _operation_findings() -> Iterator[Finding]:
    operations, now = VoucherOperation.current, timezone.now()
    waiting = operations.filter(IS_OPEN)
    late = now - OVERDUE_AFTER
    overdue = waiting.filter(Q(due_at__lt=late) | Q(state="sending", sending_at__lt=late))
    if text := _count_and_age(overdue, now):
        yield Finding("operations", "trouble", f"{text} and overdue: run voucher_settle")
    elif text := _count_and_age(waiting.filter(state="unknown"), now):
        yield Finding("operations", "warning", f"{text} with an unknown outcome; voucher_settle resolves it")
    else:
        yield Finding("operations", "ok", _count_and_age(waiting, now) or "none is open")
    if text := _count_and_age(operations.filter(state="manual"), now):
        yield Finding("manual operations", "warning", f"{text}: a person has to decide")
    else:
        yield Finding("manual operations", "ok", "none")


def _count_and_age(operations: QuerySet[VoucherOperation], now: datetime) -> str:
    # in one query: for the oldest alone PostgreSQL would read all operations in their order
    count, oldest = operations.aggregate(count=Count("pk"), oldest=Min("created_at")).values()
    return f"{count} open, the oldest for {age(now - oldest)}" if count and oldest else ""


def sealing_findings(given: GatewaySettings) -> Iterator[Finding]:
    """Yield whether codes are sealed, and whether the keys can open the stored ones."""
    if not given.SEALING_KEYS:
        text = "no key: a reservation that ended needs the customer again, and select() is refused"
        yield Finding("sealing keys", "warning", text)
        return
    try:
        stored = _stored_codes()
    except DatabaseError:
        yield Finding("sealing keys", "not known", "the stored codes cannot be read")
        return
    unreadable = sum(unseal_text(sealed) is None for sealed in stored)
    if unreadable:
        text = f"{unreadable} of {len(stored)} stored codes are opened by none of the keys: was an old key removed?"
        yield Finding("sealing keys", "trouble", text)
    else:
        text = f"{len(given.SEALING_KEYS)} in use; {len(stored)} stored codes can be opened"
        yield Finding("sealing keys", "ok", text)


def _stored_codes() -> list[str]:
    """Return the codes of payments that are kept longest, in the order of an index that has no others, and those of
    sold vouchers that wait for their delivery."""
    stored = (
        VoucherPayment.current.filter(HAS_CODE).order_by("-code_kept_until"),
        VoucherSale.current.exclude(sealed_code="").order_by("-pk"),
    )
    return [code for rows in stored for code in rows.values_list("sealed_code", flat=True)[:MAX_CODES]]
