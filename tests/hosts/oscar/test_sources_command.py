"""``voucher_oscar_sources``: what a killed process left behind is brought into step, and no money moves."""

from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from tests.hosts.oscar.records import sources, steps


def test_the_command_finds_sources_that_a_killed_process_left_behind(oscar_shop):
    order, _ = oscar_shop.ordered("30.00")
    untouched, _, _ = oscar_shop.ordered("20.00", "10.00")
    order.sources.get().transactions.all().delete()
    order.sources.update(amount_allocated=0)
    oscar_shop.cloud.forget_requests()
    out = StringIO()

    call_command("voucher_oscar_sources", stdout=out)
    call_command("voucher_oscar_sources", stdout=out)

    assert out.getvalue() == "changed 1\nchanged 0\n"
    assert sources(order) == [(30, 0, 0)]
    assert steps(order) == [("Authorise", 30)]
    assert sources(untouched) == [(20, 0, 0), (10, 0, 0)]
    assert oscar_shop.cloud.requests == []


def test_the_command_refuses_a_time_that_looks_at_nothing(db):
    with pytest.raises(CommandError):
        call_command("voucher_oscar_sources", hours=0)
