"""What people have refunded of an order without a second person, by the pages that they have confirmed.

A page counts from its confirmation on: with its amount until the verb has written its operations, then with what those
have moved or may still move. One whose process ended before the verb was called counts no more after
``ABANDONED_AFTER``; its key is used up first, so that a process which was frozen meanwhile moves nothing.
"""

from collections.abc import Iterable
from datetime import timedelta
from decimal import Decimal

from django.db.models import Q, QuerySet
from django.utils import timezone

from voucher_payment_gateway.gateway.records.archived import as_operations
from voucher_payment_gateway.gateway.records.conflicts import ConflictError, atomic_or_conflict
from voucher_payment_gateway.gateway.records.order_version import PAGE, verb_key
from voucher_payment_gateway.gateway.records.sales import replaced_refunds
from voucher_payment_gateway.models import (
    VoucherArchivedOperation,
    VoucherIdempotencyKey,
    VoucherOperation,
    VoucherPayment,
)
from voucher_payment_gateway.models.conditions import IS_NOT_ENDED
from voucher_payment_gateway.money import ZERO
from voucher_payment_gateway.rules.states import GIVES_BACK
from voucher_payment_gateway.rules.verdicts import counts_as_refunded

__all__ = ["ABANDONED_AFTER", "end_abandoned_pages", "refunded_alone"]

ABANDONED_AFTER = timedelta(minutes=15)
"""Longer than any request takes from the confirmation of a page until the verb has written its operations."""

VERBS = ("refund", "cancel")


def refunded_alone(number: str) -> Decimal:
    """Return the sum of what was refunded of the order by one person alone, or may still be. As many statements for
    many refunds as for two."""
    pages = {verb_key(page.key): page for page in _counted_pages(number)}
    calls = {call.key: call for call in _calls(number, pages)} if pages else {}
    written = _operations_of(calls.values())
    return sum((_amount(page, calls.get(key), written) for key, page in pages.items()), ZERO)


def end_abandoned_pages(number: str) -> None:
    """Count pages no more whose verb was not called in ``ABANDONED_AFTER``, and see that it never is: their key is
    stored as that of a call which did nothing."""
    pages = {verb_key(page.key): page for page in _counted_pages(number) if _is_abandoned(page)}
    called = {call.key for call in _calls(number, pages)}
    for key, page in pages.items():
        if key not in called:
            _end(page, key)


def _end(page: VoucherIdempotencyKey, key: str) -> None:
    try:
        with atomic_or_conflict():
            for verb, amount in zip(VERBS, (page.amount, None), strict=True):
                VoucherIdempotencyKey(order_number=page.order_number, verb=verb, key=key, amount=amount).save(
                    force_insert=True
                )
            VoucherIdempotencyKey.current.filter(pk=page.pk).update(amount=None)
    except ConflictError:
        return  # its verb was called at this moment, so it counts


def _counted_pages(number: str) -> "QuerySet[VoucherIdempotencyKey]":
    return VoucherIdempotencyKey.current.filter(order_number=number, verb=PAGE, amount__isnull=False)


def _calls(number: str, keys: Iterable[str]) -> "QuerySet[VoucherIdempotencyKey]":
    return VoucherIdempotencyKey.current.filter(order_number=number, verb__in=VERBS, key__in=list(keys))


def _is_abandoned(page: VoucherIdempotencyKey) -> bool:
    return page.created_at < timezone.now() - ABANDONED_AFTER


Written = dict[int | None, list[VoucherOperation]]
"""What calls have given back, by the primary key of the call."""


def _operations_of(calls: Iterable[VoucherIdempotencyKey]) -> Written:
    written: Written = {}
    for each in _read(Q(idempotency_key__in=[call.pk for call in calls], kind__in=GIVES_BACK)):
        written.setdefault(each.idempotency_key_id, []).append(each)
    return written


def _read(condition: Q) -> list[VoucherOperation]:
    """Return operations with their payments, archived ones too."""
    live = VoucherOperation.current.filter(condition).select_related("payment")
    return [*live, *as_operations(VoucherArchivedOperation.current.filter(condition))]


def _amount(page: VoucherIdempotencyKey, call: VoucherIdempotencyKey | None, of_calls: Written) -> Decimal:
    """Return what one page counts with."""
    if call is None:
        return ZERO if _is_abandoned(page) else page.amount or ZERO
    operations = of_calls.get(call.pk, [])
    counted = sum((each.amount for each in operations if _counts(each)), ZERO)
    if call.verb == "cancel":
        written = sum((each.amount for each in operations if each.kind == "refund"), ZERO)
        counted += _by_request(call, (page.amount or ZERO) - written)
    return counted


def _counts(operation: VoucherOperation) -> bool:
    """Return whether it has moved money, or may: itself, or a new voucher that is given in its place."""
    if operation.state == "refused":
        return operation.pk in {each.pk for each in replaced_refunds(operation.payment)}
    return counts_as_refunded(operation.state)


def _by_request(call: VoucherIdempotencyKey, amount: Decimal) -> Decimal:
    """Return what counts of ``amount``, which a cancel did not refund itself: it has stored the request to, for
    ``settle``. All of it while one is to be carried out, then what was refunded by it."""
    requested = VoucherPayment.current.filter(
        order_number=call.order_number, cancel_requested_at__isnull=False
    )
    if amount <= ZERO or requested.filter(IS_NOT_ENDED).exists():
        return max(amount, ZERO)
    refunds = _read(Q(payment__in=requested, kind__in=GIVES_BACK, idempotency_key=None))
    since = [each for each in refunds if (at := each.payment.cancel_requested_at) and each.created_at >= at]
    return min(amount, sum((each.amount for each in since if _counts(each)), ZERO))
