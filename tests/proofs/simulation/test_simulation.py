"""After thousands of simulated days every cent is where the shop's rows say it is."""

import ast
import os
import re
import subprocess
import sys
from decimal import Decimal
from pathlib import Path
from types import SimpleNamespace

import pytest

from tests.proofs.simulation.day import play
from tests.proofs.simulation.oracle import judge
from tests.proofs.simulation.rows import Operation, Rows
from voucher_payment_gateway.rules.states import TransitionError

ROOT = Path(__file__).parents[3]
IN_CI, ELSEWHERE = 2_000, 1_500
DAYS = int(os.environ.get("SIMULATED_DAYS") or (IN_CI if os.environ.get("REQUIRE_ALL_PARTS") else ELSEWHERE))
MUST_HAPPEN = ("faults", "crashes", "stalls", "repeated", "till charges", "clerk refunds", "reviews")
MUST_NOT = ("wrong_cents", "stuck", "silent")


def run(*arguments):
    command = [sys.executable, "-m", *arguments]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)


def test_after_thousands_of_days_no_cent_is_lost_or_doubled_and_nothing_is_stuck(figures):
    done = run("tests.proofs.simulation.run", "--days", f"{DAYS}")
    counted = {
        what: int(count) for count, what in re.findall(r"^ *(\d+) ([^,\n]+)$", done.stdout, re.MULTILINE)
    }
    figures("simulated days", **counted)
    assert {what: counted.get(what) for what in MUST_NOT} == dict.fromkeys(MUST_NOT, 0), done.stdout
    assert done.returncode == 0, done.stderr
    assert counted["days"] == DAYS
    assert all(counted[what] for what in MUST_HAPPEN), done.stdout


def test_a_day_is_replayed_by_the_command_that_a_wrong_one_prints():
    printed = str(play(17))
    (command,) = re.findall(r"python -m (.+)\)", printed)
    done = run(*command.split())
    assert printed in done.stdout
    assert done.returncode == 0
    assert str(play(17).story) == str(play(17).story)


def test_the_simulation_needs_no_django():
    imports = (
        "import sys; from tests.proofs.simulation import day, sales; import tests.proofs.simulation.sales.day"
    )
    code = f"{imports}; day.play(0); sales.day.play_sales(0); print('django' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


@pytest.mark.parametrize("module", ["oracle", "remote"])
def test_the_books_and_their_judge_share_no_code_with_what_they_judge(module):
    tree = ast.parse((Path(__file__).parent / f"{module}.py").read_text())
    imported = {
        name
        for node in ast.walk(tree)
        for name in (
            [node.module]
            if isinstance(node, ast.ImportFrom)
            else [alias.name for alias in node.names]
            if isinstance(node, ast.Import)
            else []
        )
    }
    assert {name.partition(".")[0] for name in imported} <= set(sys.stdlib_module_names)


def judged(*, rows=(), payment=None, **operation):
    """Judge a charge of 5.00 that succeeded in our rows."""
    booked = [
        SimpleNamespace(type="charge", cents=500, booked_at=2.0, by=1, **{"id": "b1", **row}) for row in rows
    ]
    stored = {"kind": "charge", "state": "succeeded", "remote_id": "b1", "reviewed": False, "began": 1.0}
    paid = {"captured": 5.0, "refunded": 0.0, "status": "captured", "cancel_requested_at": None}
    return judge(
        [SimpleNamespace(id="v1", balance=0, rows=booked)],
        [SimpleNamespace(pk=1, **{**paid, **(payment or {})})],
        [SimpleNamespace(pk=1, payment_pk=1, amount=5.0, **{**stored, **operation})],
    )


def test_the_oracle_finds_nothing_where_all_is_right():
    found = judged(rows=[{}])
    assert (found.problems, found.wrong_cents, found.stuck, found.silent) == ([], 0, 0, 0)


def test_the_oracle_finds_goods_without_money():
    assert judged().wrong_cents == 500


def test_the_oracle_finds_money_kept():
    assert (
        judged(rows=[{}], payment={"captured": 0.0, "status": "failed"}, state="refused").wrong_cents == 500
    )


def test_the_oracle_finds_a_double_booking_and_whether_it_was_told():
    twice = [{}, {"id": "b2"}]
    assert (judged(rows=twice).silent, judged(rows=twice).wrong_cents) == (1, 500)
    assert (judged(rows=twice, reviewed=True).silent, judged(rows=twice, reviewed=True).reported) == (0, 1)


def test_the_oracle_finds_what_is_stuck():
    assert judged(rows=[{}], state="unknown").stuck == 1
    assert judged(rows=[{}], payment={"cancel_requested_at": "yesterday"}).stuck == 1


def test_the_oracle_excuses_by_its_amount_what_a_person_must_decide():
    undecided = {"captured": 0.0, "status": "authorized"}
    assert judged(rows=[{}], payment=undecided, state="manual", remote_id="").wrong_cents == 0
    assert judged(payment=undecided, state="manual", remote_id="").wrong_cents == 0
    captured_less = undecided | {"captured": 4.0}
    assert judged(rows=[{}], payment=captured_less, state="manual", remote_id="").wrong_cents == 100


def test_the_oracle_finds_a_cancel_that_kept_money():
    assert judged(rows=[{}], payment={"status": "cancelled"}).wrong_cents == 500


def test_the_rows_refuse_a_transition_that_the_rules_do_not_have():
    rows, operation = Rows(), Operation(1, "A-1", "v1", "refund", Decimal("1.00"))
    rows.add(operation, 0)
    with pytest.raises(TransitionError, match="from due to refused"):
        rows.compare_and_set(operation, state="refused")
    assert rows.operations[operation.pk].state == "due"
    assert rows.compare_and_set(operation, state="sending")
