"""Mutation testing: ``python -m tests.proofs.simulation.sales.mutants`` drops one rule of sales at a time; the sales of
a day must then end wrong.

A mutant is caught on the first day that ends with a wrong cent or voucher, a stuck operation, or an unreported double
booking, and that ends right without the mutant.
"""

import sys
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from tests.proofs.planted import first_caught, report
from tests.proofs.simulation import mutations as of_payments
from tests.proofs.simulation.faults import Rates
from tests.proofs.simulation.sales import mutations
from tests.proofs.simulation.sales.day import Result, SaleSetting, play_sales
from voucher_payment_gateway.rules import evidence, fallback, resolution, sales, verdicts

__all__ = ["SALE_MUTANTS", "SaleMutant", "caught_by"]

MAX_DAYS = 100
"""The maximum of days per mutant; one that survives them is not caught."""

Change = Callable[[Any], Any]

OFTEN_LOST = Rates(lost=0.15, answer_lost=0.15, late=0.15)
MOSTLY_LOST = Rates(lost=0.6, latest=60)


@dataclass(frozen=True)
class SaleMutant:
    """A dropped rule: ``changes`` replace functions, ``setting`` plays days on which the rule matters."""

    changes: tuple[tuple[Any, str, Change], ...]
    setting: SaleSetting
    instead_of: SaleSetting
    """The same days without the mutant."""


def _mutant(*changes: tuple[Any, str, Change], **setting: Any) -> SaleMutant:
    return SaleMutant(changes, SaleSetting(**setting), SaleSetting(**setting))


def _shop(shop: Any, **setting: Any) -> SaleMutant:
    return SaleMutant((), SaleSetting(shop=shop, **setting), SaleSetting(**setting))


def _figures(figures: resolution.Tolerances, **setting: Any) -> SaleMutant:
    return SaleMutant((), SaleSetting(figures=figures, **setting), SaleSetting(**setting))


def _value(value: Any) -> Change:
    return lambda before: value


CHANGED: dict[str, Any] = {"stories": mutations.SoonChanged, "rates": Rates(late=0.4)}
SOON = {"stories": mutations.SoonReturned}
REFUNDED = {"stories": mutations.OftenRefunded, "rates": OFTEN_LOST, "orders": 2}
TOPPED_UP = {"stories": mutations.OftenToppedUp, "rates": OFTEN_LOST}

SALE_MUTANTS: dict[str, SaleMutant] = {
    "a creation that may have arrived is forgotten": SaleMutant(
        ((sales, "next_step", mutations.not_finished),),
        SaleSetting(shop=mutations.GivesUpCreations, **CHANGED),
        SaleSetting(**CHANGED),
    ),
    "a voucher that is found counts without its code": _shop(mutations.FindsNoCode),
    "a voucher is activated before it is paid": _shop(mutations.ActivatesUnpaid),
    "a status is looked at once": _mutant(
        (sales, "may_change", _value(lambda *facts: False)), stories=mutations.ByStatus
    ),
    "an unpaid voucher is kept for ever": _mutant(
        (sales, "is_unpaid_too_long", _value(lambda *facts, days: False))
    ),
    "a voucher is given up by its age alone": _mutant((sales, "is_unpaid_too_long", mutations.unpaid_by_age)),
    "a spent voucher is taken back": _mutant(
        (sales, "spent_amount", mutations.nothing_is_spent),
        (sales, "is_whole", _value(lambda amount, remaining, bookings: True)),
        **SOON,
    ),
    "a voucher is taken back while a hold of it may be charged": _mutant(
        (sales, "bookings_are_final_from", mutations.final_at_once),
        stories=mutations.HeldOverReturn,
        behaviour={"open_hold_lowers_balance": False},
        of_sales={"holds_outlive_status": True},
    ),
    "a return before the sale is written is forgotten": _shop(
        mutations.ForgetsReturns, stories=mutations.ReturnedAtOnce, rates=Rates(stall=0.1, stalled=1800.0)
    ),
    "what came back counts as spent": _mutant((sales, "spent_amount", mutations.came_back_is_spent), **SOON),
    "another quantity sells other vouchers": _mutant((sales, "matched_by_key", mutations.exact_keys)),
    "one that was taken back alone goes before one that stands": _mutant(
        (sales, "matched_by_key", mutations.returned_as_well), stories=mutations.PartlyReturned
    ),
    "one that was given up is followed only under its own key": _mutant(
        (sales, "matched_by_key", mutations.given_up_is_gone), stories=mutations.PartlyReturned
    ),
    "a creation is not safe to repeat": _mutant(
        (resolution, "REPEATABLE_KINDS", _value(("activate",))), rates=MOSTLY_LOST
    ),
    "an activation is not safe to repeat": _mutant(
        (resolution, "REPEATABLE_KINDS", _value(("issue",))), rates=MOSTLY_LOST
    ),
    "a voucher is created under a new id each time": _shop(mutations.NewIds),
    "an id that is taken means: refused": _shop(
        mutations.TakenIsRefused, of_sales={"creation_tells_code": True}
    ),
    "a recharge is safe to repeat": _mutant(
        (resolution, "REPEATABLE_KINDS", mutations.also_recharges), **TOPPED_UP
    ),
    "a recharge is repeated without grace": _figures(
        resolution.Tolerances(refund_grace=timedelta(0)), **TOPPED_UP
    ),
    "a recharge is sent with the shop's bare number": _mutant(
        (evidence, "charge_reference", of_payments.bare_number), **TOPPED_UP
    ),
    "recharges that are ours already count, one number per order": _mutant(
        (evidence, "charge_evidence", of_payments.ours_count),
        (evidence, "charge_reference", of_payments.bare_number),
        **TOPPED_UP,
    ),
    "a recharge that is unknown is sent again": _mutant(
        (verdicts, "verdict", of_payments.unknown_is_not_applied), **TOPPED_UP
    ),
    "the key of a recharge is not looked up": _shop(mutations.ForgetsKeys),
    "the next rung follows while the refund may be booked": _mutant(
        (verdicts, "verdict", of_payments.unknown_is_refused), **REFUNDED
    ),
    "a new voucher in place of a refund gives nothing back": _mutant(
        (fallback, "gives_back", _value(lambda status, *, was_active: False)), **REFUNDED
    ),
}


def caught_by(mutant: SaleMutant) -> tuple[Result, int] | None:
    """Return the first day that goes wrong with the mutant only, and how many were played; or None."""
    return first_caught(mutant, play_sales, MAX_DAYS)


if __name__ == "__main__":
    sys.exit(report(SALE_MUTANTS, caught_by, MAX_DAYS))
