"""The mutations: each gets a function of the package, and returns a plausible but wrong one."""

from collections.abc import Callable, Iterator
from contextlib import nullcontext, suppress
from dataclasses import replace
from datetime import timedelta
from itertools import count
from typing import Any


def not_booked_at_once(kind: str) -> Callable[[Any], Any]:
    def change(after_absence: Any) -> Any:
        from voucher_payment_gateway.rules.resolution import Decision

        def mutated(unknown: Any, read_at: Any, tolerances: Any) -> Any:
            return (
                Decision("not_booked")
                if unknown.kind == kind
                else after_absence(unknown, read_at, tolerances)
            )

        return mutated

    return change


def no_lag(figures: Any) -> Any:
    def mutated() -> Any:
        from voucher_payment_gateway.rules.resolution import Tolerances

        return Tolerances(list_lag=timedelta(0), refund_grace=figures().refund_grace)

    return mutated


def any_claim_will_do(compare_and_set: Any) -> Any:
    def mutated(operation: Any, *arguments: Any, **changes: Any) -> Any:
        stored = type(operation).objects.get(pk=operation.pk)
        operation.claim = stored.claim
        return compare_and_set(operation, *arguments, **changes)

    return mutated


def prefix_compare(charge_evidence: Any) -> Any:
    def mutated(bookings: Any, *, reference: str, amount: Any, ours: Any) -> Any:
        alike = [row.__class__.model_construct(**dict(row)) for row in bookings]
        for row in alike:
            if (row.order_number or "").startswith(reference):
                object.__setattr__(row, "order_number", reference)
        return charge_evidence(alike, reference=reference, amount=amount, ours=ours)

    return mutated


def no_baseline(refund_evidence: Any) -> Any:
    def mutated(bookings: Any, **facts: Any) -> Any:
        return refund_evidence(bookings, **{**facts, "baseline": (), "ours": ()})

    return mutated


def unknown_is_sent_again(verdict: Any) -> Any:
    def mutated(error: Any, *, repeated: bool) -> str:
        found = verdict(error, repeated=repeated)
        return "not_applied" if found == "unknown" else found

    return mutated


def lease_over_means_send_again(give_up_waiting: Any) -> Any:
    def mutated(operation: Any) -> bool:
        from voucher_payment_gateway.gateway.operations.transitions import _compare_and_set

        return _compare_and_set(operation, state="due", due_at=operation.sending_at)

    return mutated


def no_last_look(send_before: Any) -> Any:
    return lambda instant: nullcontext()


def never_in_a_transaction(in_transaction: Any) -> Any:
    return lambda: False


def retried(error: Any) -> bool:
    """Whether the answer was lost."""
    return any("ReadError" in note for note in getattr(error, "__notes__", ()))


def redirected(error: Any) -> bool:
    return 300 <= (error.http_status or 0) < 400


def sent_again_if(reason: Callable[[Any], bool]) -> Callable[[Any], Any]:
    """Retry a call that moves money, at once."""

    def change(attempt: Any) -> Any:
        from voucher_payment_gateway.exceptions import OutcomeUnknownError

        def mutated(flow: Any, call: Any, lock: Any, deadline: Any) -> Iterator[Any]:
            result, wait = yield from attempt(flow, call, lock, deadline)
            if not call.is_safe and isinstance(result, OutcomeUnknownError) and reason(result):
                return (yield from attempt(flow, call, lock, deadline))
            return result, wait

        return mutated

    return change


def server_errors_refuse(interpret: Any) -> Any:
    def mutated(*facts: Any) -> Any:
        from voucher_payment_gateway.exceptions import OutcomeUnknownError, RefusedError

        result = interpret(*facts)
        broken = isinstance(result, OutcomeUnknownError) and (result.http_status or 0) >= 500
        return RefusedError(http_status=result.http_status) if broken else result

    return mutated


def unknown_has_failed(verdict: Any) -> Any:
    def mutated(error: Any, *, repeated: bool) -> str:
        found = verdict(error, repeated=repeated)
        return "refused" if found == "unknown" else found

    return mutated


def never_answered(was_answered: Any) -> Any:
    return lambda error: False


def thrown_away(keep_late_answer: Any) -> Any:
    return lambda operation, remote_id: operation.refresh_from_db()


def code_is_kept(booked: Any) -> Any:
    def mutated(charging: Any, operation: Any) -> Any:
        return {name: value for name, value in booked(charging, operation).items() if name != "sealed_code"}

    return mutated


def promises_are_ignored(beside_confirmed: Any) -> Any:
    return lambda wanted, *arguments, **options: wanted


def nothing_is_refused(refuse: Any) -> Any:
    return lambda *arguments, **options: None


def confirmed_or_not(code_expiry: Any) -> Any:
    return lambda confirmed_at: code_expiry(None)


def only_what_is_held(agreed: Any) -> Any:
    from decimal import Decimal

    return lambda payment: agreed(payment) if payment.status == "authorized" else Decimal("0.00")


def without_its_key(check: Any) -> Any:
    return lambda call: object.__setattr__(call, "key", "")


def as_it_was_planned(replan: Any) -> Any:
    return lambda operation, draft_again: operation


def no_status(run_by_status: Any) -> Any:
    return lambda limit, stop: 0


def without_an_id(arguments: Any) -> Any:
    return lambda operation: {name: value for name, value in arguments(operation).items() if name != "id"}


def wanted_active(write: Any) -> Any:
    return lambda facts, sold, wanted, by: write(facts, sold, "active", by)


def noted_first(change_sale: Any) -> Any:
    def mutated(sale: Any, **changes: Any) -> None:
        if "delivery_attempts" not in changes:
            change_sale(sale, **changes)
            return
        code = sale.sealed_code
        noted = {"delivered_at": changes["deliver_due_at"], "deliver_due_at": None, "sealed_code": ""}
        change_sale(sale, **changes | noted)
        sale.sealed_code = code

    return mutated


def another_key(sold_vouchers: Any) -> Any:
    keys = count()

    def mutated(order: Any, currency_of: Any) -> Any:
        return [replace(each, key=f"{each.key}.{next(keys)}") for each in sold_vouchers(order, currency_of)]

    return mutated


def creation_forgotten(execute_new: Any) -> Any:
    """The voucher is created before its operation is written."""

    def mutated(handler: Any, draft: Any, **options: Any) -> None:
        if draft.kind == "issue":
            handler.call(draft)
        execute_new(handler, draft, **options)

    return mutated


def deleted_unread(call: Any) -> Any:
    """Nothing is read: a voucher that cannot be deleted is left inactive."""

    def mutated(handler: Any, operation: Any) -> str:
        from voucher_payment_gateway.connection import voucher_cloud
        from voucher_payment_gateway.exceptions import CredentialsError, RefusedError

        cloud = voucher_cloud(operation.account)
        for change in (cloud.set_voucher_status, cloud.delete_voucher):
            arguments = ("inactive", "taken back") if change == cloud.set_voucher_status else ("taken back",)
            with suppress(RefusedError, CredentialsError):
                change(operation.voucher_id, *arguments)
        return str(operation.voucher_id)

    return mutated


def key_ignored(write_once: Any) -> Any:
    keys = count()

    def mutated(call: Any, facts: Any, voucher: Any, by: Any) -> Any:
        number = next(keys)
        other = replace(call, key=f"{call.key}.{number}"), replace(voucher, key=f"{voucher.key}.{number}")
        return write_once(other[0], facts, other[1], by)

    return mutated


def rung_after_unknown(record_unknown: Any) -> Any:
    """What is unknown of a refund, or of a rung, is followed by the next rung."""

    def mutated(operation: Any, error: Any) -> Any:
        from voucher_payment_gateway.gateway.operations.execute import HANDLERS, execute_written
        from voucher_payment_gateway.gateway.operations.transitions import refuse

        if operation.kind not in ("refund", "recharge") or operation.sale_id is not None:
            record_unknown(operation, error)
        following = refuse(HANDLERS[operation.kind], operation, error)
        if following is None:
            raise error
        execute_written(HANDLERS[following.kind], following, is_read=True)

    return mutated
