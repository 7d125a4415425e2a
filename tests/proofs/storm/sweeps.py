"""The end of a day: once nothing fails any more the sweep runs until nothing is open, and a person decides the rest."""

from datetime import datetime
from typing import Any

from tests.proofs.storm.books import gone
from voucher_payment_gateway.models import VoucherOperation, VoucherSale

__all__ = ["LATENESS", "settle_and_review", "until_next"]

LATENESS = (1, 30, 90)
MAX_ROUNDS, PROMPT_ROUNDS = 150, 60
"""Maximum runs of the sweep, and how many of them are nearly on time: a forbidden operation waits for a day."""


def settle_and_review(people: Any, lateness: tuple[float, ...]) -> list[str]:
    """Run the sweep until nothing is open; then a person decides the operations in ``manual``."""
    people.stands_shipped()
    _settle_all(people, lateness)
    people.cloud.clock.advance(3 * 3600)  # late requests arrive
    people.do("settle")
    people.do("review")
    _settle_all(people, lateness)
    people.cloud.clock.advance(3 * 3600)
    people.do("settle")
    return [line for line in people.story[-1:] if not line.endswith(": done")]


def _settle_all(people: Any, lateness: tuple[float, ...]) -> None:
    unread = gone(people.cloud)
    operations = VoucherOperation.objects.filter(state__in=("due", "sending", "unknown"))
    operations = operations.exclude(voucher_id__in=unread)
    manual = VoucherOperation.objects.filter(state="manual", sale__isnull=False)
    sales = VoucherSale.objects.exclude(due_at=None, deliver_due_at=None)
    sales = sales.exclude(pk__in=manual.values("sale")).exclude(voucher_id__in=unread)
    for number in range(MAX_ROUNDS):
        late = people.random.choice(lateness) if number < PROMPT_ROUNDS else 3600
        people.cloud.clock.advance(until_next(operations, people.cloud.clock.now(), sales.all()) + late)
        people.do("settle")
        if not operations.exists() and not sales.exists():
            return


def until_next(operations: Any, now: datetime, sales: Any = ()) -> float:
    """Return the seconds until an operation, a sale or a delivery is due, or a worker's lease has expired."""
    due = [at for at in operations.exclude(state="sending").values_list("due_at", flat=True) if at]
    for sale in sales:
        is_at_work = operations.filter(sale=sale).exists()
        due += [at for at in (None if is_at_work else sale.due_at, sale.deliver_due_at) if at]
    wait = min(((at - now).total_seconds() for at in due), default=0)
    return max(wait, 70 if operations.filter(state="sending").exists() else 0)
