"""The oracles of a day, one after the other."""

from typing import Any

from tests.proofs.storm.fallback_oracle import fallback_problems
from tests.proofs.storm.giving_oracle import giving_problems
from tests.proofs.storm.oracle import problems
from tests.proofs.storm.order_oracle import order_problems
from tests.proofs.storm.reconciled import reconcile_problems
from tests.proofs.storm.sale_oracle import sale_problems
from tests.shop.models import Order

__all__ = ["judge"]


def judge(people: Any) -> list[str]:
    """Return everything that is wrong at the end of a day; an empty list is right."""
    cloud, injector, vouchers = people.cloud, people.injector, people.all_vouchers()
    doubled, seen = injector.doubled, injector.seen
    return [
        *problems(
            cloud,
            vouchers,
            people.highest_totals,
            doubled=doubled,
            answered=injector.answered,
            after_return=people.after_return,
        ),
        *order_problems(
            cloud,
            vouchers,
            people.record,
            after_return=people.after_return,
            stores_codes=people.stores_codes,
        ),
        *fallback_problems(
            cloud, people.record, people.sold, people.rungs, has_keys=people.stores_codes, seen=seen
        ),
        *reconcile_problems(cloud, vouchers),
        *sale_problems(cloud, list(Order.objects.all()), people.sold, doubled=doubled, seen=seen),
        *giving_problems(cloud, people.given, people.sold, doubled=doubled),
    ]
