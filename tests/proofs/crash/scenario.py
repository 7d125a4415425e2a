"""What a scenario is: its beginning, the call during which the process crashes, and how it must end."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from tests.proofs.crash.setups import Cloud
from tests.proofs.crash.shop import settle_until_nothing_is_open

__all__ = ["BOOKED", "LOST", "NOT_CARRIED_OUT", "Scenario", "settle"]

LOST, BOOKED, NOT_CARRIED_OUT = "before:drop", "after:drop", "before:503"
"""Faults of the remote side that happened before the scenario begins."""


@dataclass(frozen=True)
class Scenario:
    """``set_up`` makes the initial state, ``act`` is the call during which the process crashes.

    ``retry`` is the call of the shop after the restart, if it retries. ``captured``, ``refunded`` and ``status`` are
    the final state of the order's payments once everything was executed, ``other_status`` that of the other order's.
    ``captured_without_retry`` is the maximum captured if the shop does not retry, where that is more. ``order_status``
    is the status that the order gets in one transaction with the operation. ``sold`` is the final status of the voucher
    that the order sells or gives, ``topped_up`` what was added to it, ``vouchers`` their number. ``reminded`` is the
    number of reminders. ``rungs`` are the operations by which money goes back, each with its state at the end.
    ``settings`` are those of this shop.
    """

    set_up: Callable[[Cloud], None]
    act: Callable[[], object]
    retry: Callable[[], object]
    fault_at: tuple[str, str]
    captured: str
    refunded: str = "0.00"
    status: str = ""
    other_status: str = ""
    captured_without_retry: str = ""
    order_status: str = ""
    sold: str = ""
    topped_up: str = "0.00"
    vouchers: int = 1
    reminded: int = 0
    rungs: tuple[str, ...] = ()
    settings: dict[str, Any] = field(default_factory=dict)

    @property
    def retries(self) -> bool:
        """Whether the shop retries after a restart; the sweep runs in any case."""
        return self.retry is not settle_until_nothing_is_open


settle = settle_until_nothing_is_open
