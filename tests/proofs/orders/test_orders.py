"""After thousands of simulated days every order is paid as agreed, or its shop was told that it is not."""

import ast
import os
import re
import subprocess
import sys
from decimal import Decimal
from pathlib import Path
from types import SimpleNamespace

import pytest

from tests.proofs.orders.day import play
from tests.proofs.orders.oracle import Story, failure_has_reason, judge, promises_fit

ROOT = Path(__file__).parents[3]
IN_CI, ELSEWHERE = 2_000, 1_000
DAYS = int(os.environ.get("SIMULATED_DAYS") or (IN_CI if os.environ.get("REQUIRE_ALL_PARTS") else ELSEWHERE))
MUST_HAPPEN = (
    "shipped",
    "collected otherwise",
    "till charges",
    "crashes",
    "restores",
    "deleted",
    "unpaid and told",
)
MUST_NOT = ("unpaid in silence", "paid twice", "given back twice", "refused without reason")


def run(*arguments):
    command = [sys.executable, "-m", *arguments]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)


def test_after_thousands_of_days_every_order_is_paid_as_agreed_or_its_shop_was_told(figures):
    done = run("tests.proofs.orders.run", "--days", f"{DAYS}")
    counted = {
        what: int(count) for count, what in re.findall(r"^ *(\d+) ([^,\n]+)$", done.stdout, re.MULTILINE)
    }
    figures("order rules", **counted)
    assert {what: counted.get(what) for what in MUST_NOT} == dict.fromkeys(MUST_NOT, 0), done.stdout
    assert done.returncode == 0, done.stdout + done.stderr
    assert counted["days"] == DAYS
    assert all(counted[what] for what in MUST_HAPPEN), done.stdout


def test_a_day_is_replayed_by_the_command_that_a_wrong_one_prints():
    printed = str(play(17))
    (command,) = re.findall(r"python -m (.+)\)", printed)
    done = run(*command.split())
    assert printed in done.stdout
    assert done.returncode == 0
    assert play(17).story == play(17).story


def test_the_simulation_needs_no_django():
    code = "import sys; from tests.proofs.orders.day import play; play(0); print('django' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


@pytest.mark.parametrize("module", ["oracle", "remote"])
def test_the_books_and_their_judge_share_no_code_with_what_they_judge(module):
    tree = ast.parse((Path(__file__).parent / f"{module}.py").read_text())
    modules = [node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)]
    modules += [alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names]
    assert {name.partition(".")[0] for name in modules} <= set(sys.stdlib_module_names)


def judged(*rows, balance=0, unit=1, **story):
    """Judge an order of 5.00 that was shipped at 100 s and is kept."""
    booked = [SimpleNamespace(type=type, cents=cents, by=1) for type, cents in rows]
    voucher = SimpleNamespace(id="v1", balance=balance, rows=booked)
    facts = {"goods": 500, "most": 500, "shipped_at": 100.0} | story
    return judge([voucher], [Story(1, "1001", **facts)], unit)


def test_the_oracle_finds_nothing_where_an_order_is_paid():
    assert judged(("charge", 500)).problems == []
    assert judged(("charge", 300), other_in=200).problems == []
    assert judged(("charge", 500), ("refund", 200), goods=300).problems == []


def test_the_oracle_finds_an_order_that_shipped_unpaid_in_silence():
    assert judged(("charge", 499)).unpaid_in_silence == 1
    assert judged(told=[(50.0, "failed")]).unpaid_in_silence == 1
    assert judged(told=[(100.0, "captured")]).unpaid_in_silence == 1
    assert judged(told=[(100.0 + 6 * 86400, "ended")]).unpaid_in_silence == 1


def test_the_oracle_excuses_an_unpaid_order_of_which_its_shop_was_told():
    found = judged(told=[(100.0, "not_paid")])
    assert (found.problems, found.unpaid_and_told) == ([], 1)


def test_the_oracle_finds_voucher_and_other_money_for_the_same_cent():
    assert judged(("charge", 500), other_in=1).paid_twice == 1
    assert judged(("charge", 500), ("charge", 500)).paid_twice == 1
    assert judged(("charge", 500), goods=0).paid_twice == 1
    assert judged(("charge", 500), other_in=1, told=[(100.0, "failed")]).paid_twice == 1


def test_the_oracle_finds_what_went_back_twice():
    assert judged(("charge", 500), ("refund", 500), ("refund", 500)).given_back_twice == 1


def test_the_oracle_looks_for_second_charges_only_where_the_shop_has_forgotten_its_orders():
    assert judged(("charge", 500), goods=0, is_restored=True).problems == []
    assert judged(("charge", 500), ("charge", 500), goods=0, is_restored=True).paid_twice == 1


def test_the_oracle_finds_parts_of_a_unit_and_a_voucher_below_zero():
    assert judged(("charge", 500), unit=100).wrong_units == 0
    assert judged(("charge", 450), other_in=50, unit=100).wrong_units == 1
    assert judged(("charge", 500), balance=-1).below_zero == 1


def test_the_oracle_finds_promises_that_a_voucher_does_not_hold():
    def promise(**facts):
        stored = {"amount_agreed": Decimal("3.00"), "amount_captured": Decimal("0.00"), "confirmed_at": "now"}
        stored |= {"cancel_requested_at": None, "sealed_code": "x", "status": "lapsed"}
        return SimpleNamespace(**stored | facts)

    voucher = SimpleNamespace(balance=500, rows=[])
    assert promises_fit(voucher, [promise()])
    assert not promises_fit(voucher, [promise(), promise()])
    assert promises_fit(voucher, [promise(), promise(confirmed_at=None), promise(status="failed")])
    assert promises_fit(voucher, [promise(), promise(amount_captured=Decimal("1.00"))])
    spent = SimpleNamespace(balance=500, rows=[SimpleNamespace(type="charge", cents=100, by=None)])
    assert promises_fit(spent, [promise(), promise()])


def has_reason(*, hold=None, is_active=True, balance=500, **facts):
    known = {"uid": 1, "now": 1000.0, "confirmed_at": 0.0, "held_until": 500.0, "days": 30}
    known |= {"keeps_codes": True, "lowers": True, "alone": True}
    voucher = SimpleNamespace(is_active=is_active, balance=balance, hold=hold)
    return failure_has_reason(voucher, 500, **known | facts)


def held(by, cents=1):
    return SimpleNamespace(ends_at=2000.0, by=by, cents=cents)


def test_the_oracle_finds_a_failure_without_a_reason():
    assert not has_reason()
    assert not has_reason(hold=held(by=2))
    assert not has_reason(keeps_codes=False, held_until=1500.0, hold=held(by=2))


def test_the_oracle_knows_the_reasons_why_a_voucher_cannot_be_captured():
    assert has_reason(is_active=False)
    assert has_reason(balance=499)
    assert has_reason(now=31 * 86400.0)
    assert has_reason(keeps_codes=False)
    assert has_reason(hold=held(by=None))
    assert has_reason(hold=held(by=2), alone=False)
