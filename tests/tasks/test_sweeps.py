"""The tasks of both queues: what they take and return, and that none hides, repeats or holds up anything."""

import json
from datetime import timedelta

import pytest
from celery import Celery, Task
from django.db import transaction
from django.db.transaction import TransactionManagementError
from django.utils import timezone

from tests.accounts.conftest import CODE, bookings, change, clouds, market  # noqa: F401  fixtures
from tests.docs.pages import page, rows, section, words
from voucher_payment_gateway import gateway
from voucher_payment_gateway.exceptions import CredentialsError, OutcomeUnknownError, UnavailableError
from voucher_payment_gateway.gateway.verbs.hand_over import LEASE
from voucher_payment_gateway.models import VoucherDifference, VoucherGatewayState, VoucherOperation
from voucher_payment_gateway.rules.timing import lease_seconds
from voucher_payment_gateway.tasks import celery, sweeps
from voucher_payment_gateway.tasks import django as of_django

NAMES = ["settle", "deliver", "remind", "reconcile"]
DEFAULT_DEADLINE_SECONDS = 15


class RetriesAnything(Task):
    """A base class of a shop, for its own tasks."""

    autoretry_for = (Exception,)
    retry_backoff = False


@pytest.fixture
def app():
    """A Celery app that puts its messages into memory."""
    with Celery("shop", broker="memory://", backend="cache+memory://", set_as_current=False) as app:
        app.finalize()
        yield app


def run_by_celery(app, name, **arguments):
    """Run a task as a worker does, with arguments and result as they travel."""
    given = json.loads(json.dumps(arguments))
    return json.loads(
        json.dumps(app.tasks[f"voucher_payment_gateway.tasks.{name}"].apply(kwargs=given).get())
    )


def run_by_django(app, name, **arguments):
    result = getattr(of_django, name).enqueue(**arguments)
    assert result.errors == []
    return json.loads(json.dumps(result.return_value))


@pytest.fixture(params=[run_by_celery, run_by_django])
def run(request, app):
    return lambda name, **arguments: request.param(app, name, **arguments)


@pytest.fixture
def unknown(shop):
    """An order whose charge was booked while its answer was lost; it is due."""
    shop.voucher("20.00")
    order = shop.order("20.00")
    gateway.authorize(order, "GIFT-2000-ABCD")
    shop.cloud.faults.next("after:drop", path="*/charge")
    with pytest.raises(OutcomeUnknownError):
        gateway.capture(order)
    shop.later(minutes=5)
    return shop


# what they return


def test_settle_returns_its_report(unknown, run):
    first, second = run("settle"), run("settle", limit=1)
    assert (first["found"], second["found"], second["still_open"]) == (1, 0, 0)
    assert list(first) == list(gateway.SettleReport.__dataclass_fields__)


def test_a_sweep_of_which_another_has_leased_everything_makes_no_call(unknown, run):
    """Overlap is harmless and cheap."""
    VoucherOperation.objects.filter(state="unknown").update(due_at=timezone.now() + timedelta(seconds=55))
    unknown.calls()
    assert run("settle")["found"] == 0
    assert unknown.calls() == []


def test_deliveries_and_reminders_return_their_numbers(shop, run):
    assert (run("deliver"), run("remind", limit=5)) == ({"delivered": 0}, {"reminded": 0})


def test_reconcile_compares_whole_days_and_counts_by_kind(unknown, run):
    gateway.settle()
    VoucherOperation.objects.filter(kind="charge").update(remote_id="another")
    unknown.later(days=1)
    result = run("reconcile", days=2)
    today = timezone.localtime().replace(hour=0, minute=0, second=0, microsecond=0)
    assert result.pop("until") == today.isoformat()
    assert result.pop("since") == (today - timedelta(days=2)).isoformat()
    assert result == {"differences": 2, "kinds": {"ours_only": 1, "theirs_only": 1}}
    assert run("reconcile", days=2, account="")["differences"] == 2


@pytest.mark.parametrize("days", [0, 367, True, "1"])
def test_days_out_of_bounds_are_refused(db, days):
    with pytest.raises(ValueError, match="days: give a whole number from 1 to 366"):
        sweeps.reconcile(days)


# accounts


def test_an_account_that_is_away_does_not_hide_the_others(market, app):  # noqa: F811
    """``settle`` goes on, ``reconcile`` compares the others and fails then."""
    north, _south = market.vouchers()
    for number, cloud in (("N-1", market.north), ("S-1", market.south)):
        order = market.held(number, "20.00")
        cloud.faults.next("after:drop", path="*/charge")
        with pytest.raises(OutcomeUnknownError):
            gateway.capture(order)
    market.later(minutes=5)
    market.south.faults.next("before:503", path="*", times=99)
    assert run_by_celery(app, "settle")["found"] == 1
    VoucherOperation.objects.filter(payment__account="north", kind="charge").update(remote_id="another")
    market.later(days=1)
    market.without("south")
    with pytest.raises(CredentialsError):
        run_by_celery(app, "reconcile")
    assert set(VoucherDifference.objects.values_list("account", "voucher_id")) >= {("north", north.id)}
    assert run_by_celery(app, "reconcile", account="north")["differences"] == 2


# failing


def test_a_copied_database_is_left_alone_and_celery_does_not_retry(unknown, gateway_settings):
    """Even where the shop's own base class retries everything."""
    VoucherGatewayState.objects.create(name="instance", value="production")
    gateway_settings(INSTANCE="staging")
    with Celery("other", broker="memory://", task_cls=RetriesAnything, set_as_current=False) as app:
        app.finalize()
        for name in NAMES[:3]:
            task = app.tasks[f"voucher_payment_gateway.tasks.{name}"]
            result = task.apply()
            assert (result.state, type(result.result)) == ("FAILURE", UnavailableError)


def test_inside_of_a_transaction_nothing_is_sent(unknown, app):
    unknown.calls()
    with transaction.atomic():
        with pytest.raises(TransactionManagementError):
            run_by_celery(app, "settle")
        (error,) = of_django.settle.enqueue().errors
    assert error.exception_class is TransactionManagementError
    assert unknown.calls() == []


# time


def test_a_sweep_begins_nothing_after_its_time_and_ends_before_it_is_killed(unknown, monkeypatch, app):
    monkeypatch.setattr(sweeps, "SWEEP_SECONDS", -1.0)
    assert run_by_celery(app, "settle")["found"] == 0
    monkeypatch.undo()
    assert (sweeps.SWEEP_SECONDS, celery.settle.time_limit) == (4 * 60, 15 * 60)
    told = page("how-to/run-in-the-background.md")
    assert "begins nothing new after four minutes" in told
    assert "Give a worker 15 minutes" in told
    left = celery.settle.time_limit - sweeps.SWEEP_SECONDS
    assert left > LEASE.total_seconds()
    assert left >= 10 * lease_seconds(DEFAULT_DEADLINE_SECONDS)


# docs/reference/tasks.md


def test_every_task_has_its_row_with_its_arguments_and_no_other_has():
    table = [
        cells for cells in rows(page("reference/tasks.md")) if len(cells) == 3 and cells[0].startswith("`")
    ]
    documented = {words(cells[0])[0]: cells for cells in table}
    assert list(documented) == NAMES
    assert set(NAMES) == set(celery.__all__) == set(of_django.__all__)
    for name in NAMES:
        for function in (getattr(sweeps, name), getattr(celery, name).run, getattr(of_django, name).func):
            arguments = dict(zip(function.__code__.co_varnames, function.__defaults__, strict=False))
            assert words(documented[name][1]) == [f"{key}={value!r}" for key, value in arguments.items()]


def test_the_options_for_celery_are_those_of_the_page(app):
    for name, *documented in rows(section(page("reference/tasks.md"), "Options for Celery")):
        task = app.tasks[f"voucher_payment_gateway.tasks.{words(name)[0]}"]
        options = (task.acks_late, task.reject_on_worker_lost, task.max_retries, task.time_limit)
        assert documented == [str(option) for option in options]


def test_the_page_names_what_reconcile_returns(db, shop, app):
    (row,) = [
        cells for cells in rows(page("reference/tasks.md")) if cells[0] == "`reconcile`" and len(cells) == 3
    ]
    assert words(row[2]) == list(run_by_celery(app, "reconcile"))


@pytest.mark.django6
def test_with_django_6_the_tasks_are_djangos_own():
    from django.tasks import Task as DjangosTask

    assert all(isinstance(getattr(of_django, name), DjangosTask) for name in NAMES)


def test_the_names_of_djangos_tasks_are_stable():
    assert [getattr(of_django, name).module_path for name in NAMES] == [
        f"voucher_payment_gateway.tasks.django.{name}" for name in NAMES
    ]
