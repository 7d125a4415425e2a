"""The module of the tasks can be imported whatever is installed, and imports no task queue that is not used."""

import json
import os
import subprocess
import sys

import pytest

from tests.docs.pages import ROOT

PROGRAM = """
import io, json, os, sys
from importlib import import_module
import django
django.setup()
from django.core.management import call_command
call_command("check", stdout=io.StringIO(), stderr=io.StringIO())

TASKS = "voucher_payment_gateway.tasks"
QUEUES = {"celery", "kombu", "django_tasks", TASKS, TASKS + ".celery", TASKS + ".django"}

def said(get):
    try:
        return get()
    except (ImportError, AttributeError) as error:
        return type(error).__name__ + ": " + str(error)

def ways_of(missing):
    for name in missing:
        sys.modules[name] = None
    if "uses celery" in missing:
        import celery
    tasks = import_module(TASKS)
    imported = sorted(QUEUES & {name for name, module in sys.modules.items() if module})
    if "uses celery" in missing:
        with celery.Celery("late", set_as_current=False) as app:
            app.finalize()
            return imported, sorted(name for name in app.tasks if name.startswith(TASKS))
    of_celery = said(lambda: tasks.settle.name)
    return imported, of_celery, said(lambda: import_module(TASKS + ".django").settle.module_path), said(lambda: tasks.x)

print(json.dumps(sorted(QUEUES & set(sys.modules))))
for missing in json.loads(sys.argv[1]):
    sys.stdout.flush()
    child = os.fork()
    if not child:
        print(json.dumps(ways_of(missing)), flush=True)
        os._exit(0)
    os.waitpid(child, 0)
"""
TASKS = "voucher_payment_gateway.tasks"
CELERY, DJANGO = ["celery"], ["django_tasks", "django.tasks"]


@pytest.fixture(scope="module")
def told():
    """What processes say: one that has started, then one where nothing is missing, one without Celery, one without
    Django's tasks, one without both, and one that uses Celery already."""
    ways = [[], CELERY, DJANGO, [*CELERY, *DJANGO], ["uses celery"]]
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, json.dumps(ways)],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT), "DJANGO_SETTINGS_MODULE": "tests.settings"},
        capture_output=True,
        text=True,
    )
    assert done.stderr == ""
    return [json.loads(line) for line in done.stdout.splitlines()]


def test_a_process_imports_no_queue_that_it_does_not_use(told):
    assert told[0] == []
    assert [imported for imported, *_ in told[1:5]] == [[TASKS]] * 4


def test_what_is_installed_is_there_and_what_is_not_says_what_to_install(told):
    no_celery = 'ImportError: This is a Celery task, and Celery is not installed: pip install "voucher-payment-gateway['
    no_django = (
        "ImportError: This is a task of Django, which Django 6.0 and newer have; with Django 5.2: pip install"
    )
    for (_, celery, django, _), (has_celery, has_django) in zip(
        told[1:5], [(True, True), (False, True), (True, False), (False, False)], strict=True
    ):
        assert celery == f"{TASKS}.settle" if has_celery else celery.startswith(f"{no_celery}celery]")
        assert django == f"{TASKS}.django.settle" if has_django else django.startswith(no_django)


def test_a_name_that_is_no_task_is_an_ordinary_mistake(told):
    assert {wrong for *_, wrong in told[1:5]} == {f"AttributeError: module '{TASKS}' has no attribute 'x'"}


def test_with_celery_the_import_of_autodiscovery_registers_the_tasks(told):
    imported, names = told[5]
    assert f"{TASKS}.celery" in imported
    assert f"{TASKS}.django" not in imported
    assert names == [f"{TASKS}.{name}" for name in ("deliver", "reconcile", "remind", "settle")]
