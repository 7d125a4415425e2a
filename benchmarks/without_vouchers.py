"""What an order without vouchers costs: the block of its checkout page, a save and a signal that ask for a verb.

    python -m benchmarks.without_vouchers
    python -m tests.postgres_server python -m benchmarks.without_vouchers

Beside one ``get`` of an order by its primary key, in processor time.
"""

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

from benchmarks import table
from benchmarks.function_calls import counted
from benchmarks.rounds import alternate, ms, ratio
from benchmarks.shop import database_name, new_order, shop

HEADER = (
    "database",
    "what",
    "SQL statements",
    "functions of Python",
    "× a `get` in processor time (quartiles)",
    "processor, ms",
)
STATUSES = {"field": "status", "authorize": ["confirmed"], "capture": ["shipped"], "cancel": ["cancelled"]}
GET = "`get` of the order"

Act = Callable[[], object]


def measured(order: Any) -> dict[str, Act]:
    """Return what is measured, by name."""
    from django.template import RequestContext, Template
    from django.test import RequestFactory

    from tests.shop import signals
    from tests.shop.models import Order

    template = Template("{% load voucher_payments %}{% voucher_payments order %}")
    request = RequestFactory().get("/checkout/")

    def save(status: str) -> None:
        order.status = status
        order.save()

    return {
        GET: lambda: Order.objects.get(pk=order.pk),
        "the checkout block": lambda: template.render(RequestContext(request, {"order": order})),
        "`order.save()`, its status asks for nothing": partial(save, "new"),
        "the same, its status captures": partial(save, "shipped"),
        "the same, its status cancels": partial(save, "cancelled"),
        "a signal that captures": lambda: signals.shipped.send(sender=None, order=order),
    }


def statements(act: Act) -> int:
    """Return the number of SQL statements of ``act``, without those that begin and end transactions."""
    from django.db import connection

    from benchmarks.call_path import TRANSACTION_CONTROL

    count = 0

    def count_one(execute: Any, sql: str, *rest: Any) -> Any:
        nonlocal count
        count += not sql.lstrip().upper().startswith(TRANSACTION_CONTROL)
        return execute(sql, *rest)

    with connection.execute_wrapper(count_one):
        act()
    return count


def rows(rounds: int) -> Iterator[tuple[object, ...]]:
    with shop():
        from django.conf import settings
        from django.test import override_settings

        driven = {**settings.VOUCHER_PAYMENT_GATEWAY, "ON_STATUS": STATUSES}
        with override_settings(VOUCHER_PAYMENT_GATEWAY=driven):
            yield from _rows(measured(new_order()[0]), rounds)


def _rows(acts: dict[str, Act], rounds: int) -> Iterator[tuple[object, ...]]:
    found = alternate({name: lambda act=act: act for name, act in acts.items()}, rounds, warm_up=20)
    for name, act in acts.items():
        beside = "1" if name == GET else ratio(found[name], found[GET], "cpu")
        counts = statements(act), f"{counted(act)['call']:,}"
        yield database_name(), name, *counts, beside, f"{ms(found[name], 'cpu').median:.2f}"


if __name__ == "__main__":
    table.main(__doc__, HEADER, rows, rounds=1000)
