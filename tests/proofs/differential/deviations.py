"""Planted deviations: each lets one engine behave otherwise than the other, and a schedule must show it."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from itertools import islice
from typing import Any
from unittest import mock

from tests.proofs.differential.amended import AMENDMENTS, AmendedShop
from tests.proofs.differential.compare import Comparison, compared, play_simulated
from tests.proofs.differential.schedule import Schedule, drawn
from tests.proofs.simulation.loop import Process
from tests.proofs.simulation.rows import Operation, Payment, Rows
from tests.proofs.simulation.shop import Shop
from voucher_payment_gateway.rules import verdicts

__all__ = ["REPEATED", "SHIPPED", "SIMULATED", "found_in_shipped", "found_in_simulated"]

MAX_SIMULATED, MAX_SHIPPED = 20_000, 60
"""How many schedules are searched: the simulation alone plays hundreds in a second."""

Planted = Callable[[], AbstractContextManager[Any]]


def _reads_nothing(*_: Any, **__: Any) -> Process:
    yield from ()
    return False


def _without(amendment: str) -> Planted:
    """Let the simulation do what it does without one of its amendments."""
    nothing = _reads_nothing if amendment == "_is_charged_already" else lambda *_: None
    as_simulated = getattr(Shop, amendment, nothing)
    return lambda: mock.patch.object(AmendedShop, amendment, as_simulated)


def _no_fence(shop: AmendedShop, operation: Operation, payment: Payment) -> Process:
    shop._store_fence(operation, shop.now())
    yield from ()


def _unknown_is_refused(error: Any, *, repeated: bool) -> Any:
    return "refused" if (found := verdict(error, repeated=repeated)) == "unknown" else found


def _attempts_not_counted(rows: Rows, operation: Any, **changes: Any) -> bool:
    changes.pop("attempts", None)
    return compare_and_set(rows, operation, **changes)


def _claims_not_compared(rows: Rows, operation: Any, **changes: Any) -> bool:
    operation.claim = rows.operations[operation.pk].claim
    return compare_and_set(rows, operation, **changes)


verdict, compare_and_set = verdicts.verdict, Rows.compare_and_set

SIMULATED: dict[str, Planted] = {
    "a charge is repeated without a fence": lambda: mock.patch.object(AmendedShop, "_fence", _no_fence),
    "an unknown outcome is a refusal": lambda: mock.patch.object(verdicts, "verdict", _unknown_is_refused),
    "repeated attempts are not counted": lambda: mock.patch.object(
        Rows, "compare_and_set", _attempts_not_counted
    ),
    "a claim is not compared": lambda: mock.patch.object(Rows, "compare_and_set", _claims_not_compared),
    **{f"without the amendment {name}": _without(name) for name in AMENDMENTS},
}
"""Deviations of the simulation; the rules are patched where the simulation alone looks them up."""


def _setting(**changes: Any) -> Planted:
    def planted() -> AbstractContextManager[Any]:
        from django.conf import settings
        from django.test import override_settings

        return override_settings(VOUCHER_PAYMENT_GATEWAY={**settings.VOUCHER_PAYMENT_GATEWAY, **changes})

    return planted


def _mutant(name: str) -> Planted:
    def planted() -> AbstractContextManager[Any]:
        from tests.proofs.storm.mutants import applied

        return applied(name)

    return planted


SHIPPED: dict[str, Planted] = {
    "the lists are waited for longer": _setting(LIST_LAG_SECONDS=3600),
    "a refund is repeated later": _setting(REFUND_GRACE_SECONDS=3600),
    **{
        name: _mutant(name)
        for name in (
            "a charge is repeated without a fence",
            "what is unknown is sent again",
            "what is unknown has failed",
            "a claim is not compared",
        )
    },
}
"""Deviations of the shipped gateway: settings, and mutants of the storm."""

REPEATED = {"a refund is repeated later": ("refund",)}
"""What must be repeated in a schedule for a deviation to show, where it is one kind of operation alone."""


def found_in_simulated(planted: Planted) -> Comparison | None:
    """Return the first schedule that differs with this deviation, None where none does.

    Played by the shipped gateway are those alone that the simulation plays otherwise with the deviation.
    """
    for schedule in map(drawn, range(MAX_SIMULATED)):
        right = play_simulated(schedule).ledgers
        with planted():
            if play_simulated(schedule).ledgers != right and (found := compared(schedule)).problems:
                return found
    return None


def found_in_shipped(planted: Planted, kinds: tuple[str, ...] = ("charge", "refund")) -> Comparison | None:
    """Return the first schedule that differs with this deviation, None where none does.

    Played are those alone in which an operation of the kind is repeated: what the shipped gateway does otherwise is
    about doubt.
    """
    doubtful = (each for each in map(drawn, range(MAX_SIMULATED)) if _repeats(each, kinds))
    with planted():
        comparisons = map(compared, islice(doubtful, MAX_SHIPPED))
        return next((each for each in comparisons if each.problems), None)


def _repeats(schedule: Schedule, kinds: tuple[str, ...]) -> bool:
    operations = [each for name, each in play_simulated(schedule).ledger.items() if ", operation " in name]
    return any(attempts > 1 and kind in kinds for kind, _, _, attempts in operations)
