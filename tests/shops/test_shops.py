"""Each shop is a Django project of its own, in a process of its own, and plays full orders: ``full_order.py``."""

import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

HERE = Path(__file__).parent
SHOPS = sorted(path.parent.name for path in HERE.glob("*/full_order.py"))
NEEDS = {"money": "djmoney", "drf": "rest_framework"}


def test_there_are_shops():
    assert {"custom_pk", "foreign_model", "headless", "money"} <= set(SHOPS)


@pytest.mark.parametrize("name", SHOPS)
def test_a_shop_takes_gift_vouchers_from_the_code_to_the_return(name):
    if name in NEEDS and find_spec(NEEDS[name]) is None:
        pytest.skip(f"{NEEDS[name]} is not installed")
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-q",
        "-p",
        "no:cacheprovider",
        f"tests/shops/{name}/full_order.py",
    ]
    command += [f"--ds=tests.shops.{name}.settings"]
    done = subprocess.run(command, cwd=HERE.parents[1], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "passed" in done.stdout


@pytest.mark.parametrize("name", SHOPS)
def test_the_checks_have_nothing_to_say_about_it(name):
    if name in NEEDS and find_spec(NEEDS[name]) is None:
        pytest.skip(f"{NEEDS[name]} is not installed")
    command = [sys.executable, "-m", "django", "check", "--fail-level", "ERROR"]
    done = subprocess.run(
        [*command, "--settings", f"tests.shops.{name}.settings"],
        cwd=HERE.parents[1],
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
