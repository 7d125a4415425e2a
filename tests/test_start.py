"""What the start of Django loads of the package, in processes of their own: a module that is not needed yet costs every
command, worker and test run."""

import json
import os
import subprocess
import sys

import pytest

from tests.test_without_django import ROOT

HEAVY = ("click", "cryptography", "httpcore", "httpx", "pydantic", "pygments", "rich")
"""Libraries that wait for their first use."""

SETUP = """
import json, os, sys, django
from django.conf import settings
if len(sys.argv) > 1:
    settings.INSTALLED_APPS = [app for app in settings.INSTALLED_APPS if app not in sys.argv[1:]]
django.setup()
print(json.dumps(sorted(sys.modules)))
"""

IMPORT = """
import importlib, json, sys, django
django.setup()
importlib.import_module(sys.argv[1])
print(json.dumps(sorted(sys.modules)))
"""

USE = """
import json, sys, django
django.setup()
exec(sys.argv[1])
print(json.dumps(sorted(sys.modules)))
"""


def loaded(script, *arguments, **environment):
    """Return the modules of a new process after ``script``."""
    done = subprocess.run(
        [sys.executable, "-c", script, *arguments],
        cwd=ROOT,
        env={
            **os.environ,
            "PYTHONPATH": str(ROOT),
            "DJANGO_SETTINGS_MODULE": "tests.settings",
            **environment,
        },
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    return set(json.loads(done.stdout))


def heavy(modules):
    return {name.partition(".")[0] for name in modules} & set(HEAVY)


def test_the_start_of_django_loads_no_library():
    """With the test shop, its events and the admin. Not the gateway either: a command that pays nothing needs none."""
    modules = loaded(SETUP)
    assert "voucher_payment_gateway.admin.payments" in modules
    assert heavy(modules) == set()
    assert "voucher_payment_gateway.gateway.public" not in modules


def test_the_start_of_django_loads_few_modules_more_than_without_the_app():
    shop = ("voucher_payment_gateway", "tests.shop")
    more = loaded(SETUP) - loaded(SETUP, *shop)
    assert len(more) <= 125
    without_admin = loaded(SETUP, "django.contrib.admin") - loaded(SETUP, "django.contrib.admin", *shop)
    assert len(without_admin) <= 70


@pytest.mark.parametrize(
    "name",
    ["admin", "checkout", "checks", "conf", "exceptions", "gateway", "models", "orders", "signals", "tasks"],
)
def test_a_public_module_loads_no_library(name):
    assert heavy(loaded(IMPORT, f"voucher_payment_gateway.{name}")) == set()


def test_the_settings_load_pydantic_alone():
    modules = loaded(USE, "from voucher_payment_gateway.conf import gateway_settings; gateway_settings()")
    assert heavy(modules) == {"pydantic"}


def test_the_gateway_loads_the_http_library_with_its_first_client():
    use = "from voucher_payment_gateway import gateway; gateway.acapture, gateway.Cover, gateway.settle"
    modules = loaded(USE, use)
    assert "voucher_payment_gateway.gateway.verbs.capture" in modules
    assert heavy(modules) == {"pydantic"}
    use += "; from voucher_payment_gateway.connection import voucher_cloud; voucher_cloud()"
    assert heavy(loaded(USE, use)) >= {"httpx", "httpcore", "pydantic"}


@pytest.mark.parametrize("module", ["api", "checkout", "checks", "conf", "gateway"])
def test_every_listed_name_is_there_and_no_other(module):
    use = f"""
import voucher_payment_gateway.{module} as module
for name in module.__all__: getattr(module, name)
try: module.no_such_name
except AttributeError as error: assert "no_such_name" in str(error)
else: raise AssertionError
"""
    assert f"voucher_payment_gateway.{module}" in loaded(USE, use)
