"""Mutation testing: ``python -m tests.proofs.orders.mutants`` drops one order rule at a time.

A mutant is caught on the first day that ends wrong with it, and that ends right without the mutant.
"""

import sys
from dataclasses import dataclass, replace
from typing import Any

from tests.proofs.orders import mutations
from tests.proofs.orders.day import Result, Setting, play
from tests.proofs.orders.sweep import Gateway
from tests.proofs.planted import first_caught, report
from voucher_payment_gateway.rules import cover

__all__ = ["MUTANTS", "Mutant", "caught_by"]

MAX_DAYS = 1000
"""The maximum of days per mutant; one that survives them is not caught."""

KEPT = (("keeps_codes", True),)
LOWERED = (("open_hold_lowers_balance", True),)


@dataclass(frozen=True)
class Mutant:
    """A dropped rule, by its number in the design (0: idempotency keys). ``changes`` replace functions, ``setting``
    plays days on which the rule matters."""

    rule: int
    setting: Setting
    changes: tuple[tuple[Any, str, Any], ...] = ()

    @property
    def instead_of(self) -> Setting:
        """The same days without the mutant."""
        return replace(self.setting, gateway=Gateway)


def _gateway(rule: int, gateway: type[Gateway], **setting: Any) -> Mutant:
    return Mutant(rule, Setting(gateway=gateway, **setting))


def _function(rule: int, name: str, change: Any, **setting: Any) -> Mutant:
    return Mutant(rule, Setting(**setting), ((cover, name, change),))


MUTANTS: dict[str, Mutant] = {
    "a confirmation only reserves": _gateway(1, mutations.ConfirmsNothing, options=KEPT),
    "a lapsed hold raises what is due": _function(2, "agreed", mutations.only_while_held, options=KEPT),
    "a refusal beside the shop's own hold ends a payment": _gateway(
        2, mutations.FailsBesideItsOwnHold, options=KEPT + LOWERED
    ),
    "a repeated confirmation agrees to less in silence": _gateway(
        2, mutations.TakesLessInSilence, tills=1.0, options=KEPT
    ),
    "a repeated confirmation takes what was paid otherwise": _gateway(
        2, mutations.TakesMoreLater, options=KEPT
    ),
    "the rest of a captured payment counts, and is not taken": _gateway(
        2, mutations.LeavesTheRest, options=KEPT
    ),
    "a voucher that was let go is charged": _gateway(2, mutations.ChargesWhatWasLetGo, options=KEPT),
    "the code of a confirmed payment is kept for a day": _gateway(
        3, mutations.KeepsCodesForADay, options=KEPT
    ),
    "an order whose payment has ended ships in silence": _gateway(4, mutations.ShipsInSilence),
    "a second order takes what a confirmed one counts on": _gateway(5, mutations.ForgetsConfirmedOrders),
    "two confirmations at one moment count on the same money": _gateway(
        5, mutations.ConfirmsAtTheSameMoment, together=0.5, options=KEPT
    ),
    "a hold without a code is replaced": _gateway(
        5, mutations.ReplacesWhatHasNoCode, options=(("keeps_codes", False),)
    ),
    "the open reservation is believed to be ours": _gateway(
        5, mutations.BelievesTheHolds, together=0.5, options=KEPT + LOWERED
    ),
    "the total is believed to stay after a return": _function(
        6, "settled", mutations.always_stays, options=(("after_return", "lowered"),)
    ),
    "what is charged is what was planned": _gateway(7, mutations.ChargesAsPlanned),
    "a status is looked at once": _gateway(8, mutations.LooksAtNoStatus, options=(("by_status", True),)),
    "a sweep passes over what has ended": _gateway(
        8, mutations.SaysNothingByStatus, options=(("by_status", True),)
    ),
    "a second part of a transaction is refused": _gateway(
        9, mutations.OnePartAtATime, options=(*KEPT, ("by_status", False))
    ),
    "facts come before payments": _gateway(10, mutations.FactsFirst),
    "an order with live money is deleted": _gateway(11, mutations.DeletesLiveOrders),
    "nothing is read before charging again": _gateway(
        12, mutations.ChargesAgain, restores=1.0, options=(*KEPT, ("instance", ""))
    ),
    "nothing is read before refunding": _gateway(
        12, mutations.RefundsAgain, restores=1.0, options=(*KEPT, ("instance", ""))
    ),
    "a copy sends what is due": _gateway(
        12, mutations.SendsFromEveryCopy, restores=1.0, options=(*KEPT, ("instance", "live"))
    ),
    "a currency without decimals is shared in hundredths": _gateway(
        13, mutations.SharesCents, options=(("currency", "JPY"),)
    ),
    "an event that comes twice moves money twice": _gateway(
        0, mutations.ForgetsKeys, options=(("by_status", False),)
    ),
}


def caught_by(mutant: Mutant) -> tuple[Result, int] | None:
    """Return the first day that goes wrong with the mutant only, and how many were played; or None."""
    return first_caught(mutant, play, MAX_DAYS)


if __name__ == "__main__":
    sys.exit(report(MUTANTS, caught_by, MAX_DAYS, label=lambda name: f"{MUTANTS[name].rule}: {name}"))
