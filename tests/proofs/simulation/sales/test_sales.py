"""After thousands of simulated days of sales each line has its voucher, and every cent of a top up was added once."""

import re
from collections import defaultdict
from pathlib import Path
from types import SimpleNamespace

import pytest

from tests.proofs.simulation.sales import day
from tests.proofs.simulation.sales.day import play_sales
from tests.proofs.simulation.sales.oracle import judge_sales
from tests.proofs.simulation.sales.orders import Order
from tests.proofs.simulation.test_simulation import DAYS, run

SALE_DAYS = DAYS // 4
MUST_HAPPEN = (
    "faults",
    "truncated",
    "doubled",
    "crashes",
    "stalls",
    "spent",
    "charged over a return",
    "taken back alone",
    "taken back",
    "recharges",
    "fallbacks",
)
MUST_NOT = ("wrong_vouchers", "wrong_cents", "stuck", "silent")
STEPS = ("issue", "activate", "deactivate", "recharge")
BEATS = ("answered", "abandoned", "UnavailableError", "OutcomeUnknownError", "found", "certain")
"""Answered; crashed after it was written down; not sent; answer lost; then shown by a read, or surely absent."""


def test_after_thousands_of_days_each_line_has_one_voucher_and_no_cent_or_code_is_lost(figures):
    done = run("tests.proofs.simulation.run", "--sales", "--days", f"{SALE_DAYS}")
    counted = {
        what: int(count) for count, what in re.findall(r"^ *(\d+) ([^,\n]+)$", done.stdout, re.MULTILINE)
    }
    figures("simulated sales", **counted)
    assert {what: counted.get(what) for what in MUST_NOT} == dict.fromkeys(MUST_NOT, 0), done.stdout
    assert done.returncode == 0, done.stderr
    assert counted["days"] == SALE_DAYS
    assert all(counted[what] for what in MUST_HAPPEN), done.stdout


def test_each_step_of_a_sale_meets_each_fault():
    met = defaultdict(set)
    for seed in range(250):
        for _, _, kind, _, what, _ in play_sales(seed).story:
            met[kind].add(what)
    assert {step: sorted(set(BEATS) - met[step]) for step in STEPS} == {step: [] for step in STEPS}


def test_the_sales_of_a_day_are_replayed_by_the_command_that_wrong_ones_print(monkeypatch, capsys):
    printed = str(play_sales(17))
    assert "python -m tests.proofs.simulation.sales.day 17)" in printed
    monkeypatch.setattr("sys.argv", ["day", "17"])
    assert day.main() == 0
    assert capsys.readouterr().out.endswith(f"{printed}\n")
    assert str(play_sales(17).story) == str(play_sales(17).story)


@pytest.mark.parametrize("module", ["oracle", "remote", "orders"])
def test_the_books_of_sales_and_their_judge_share_no_code_with_what_they_judge(module):
    text = (Path(__file__).parent / f"{module}.py").read_text()
    imported = re.findall(r"^(?:from|import) (\S+)", text, re.MULTILINE)
    ours = {name for name in imported if name.startswith(("tests", "voucher_payment_gateway"))}
    assert ours <= {"tests.proofs.simulation.oracle", "tests.proofs.simulation.remote"}


SOLD, BOUGHT, TOPPED_UP = 5.0, 2.0, 3.0


def voucher(**changed):
    """A voucher of 5.00 that operation 1 created, operation 2 activated after the payment, and a code of its own."""
    fields = {"id": "s1", "status": "active", "worth": 500, "balance": 500, "code": "c", "by": 1, "rows": []}
    return SimpleNamespace(**{**fields, "activated_at": [TOPPED_UP], **changed})


def booked(kind, cents, by=None):
    return SimpleNamespace(id=f"b{by}", type=kind, cents=cents, by=by, booked_at=4.0, charge_id="")


def operation(pk, kind, amount=SOLD):
    facts = {"state": "succeeded", "reviewed": False, "began": 1.0, "remote_id": ""}
    return SimpleNamespace(pk=pk, kind=kind, amount=amount, payment_pk=0, sale_pk=1, voucher_id="s1", **facts)


def sale(**changed):
    facts = {"pk": 1, "order_number": "1", "key": "a", "amount": SOLD, "voucher_id": "s1", "origin": "sold"}
    state = {
        "status": "active",
        "target": "active",
        "topped_up": 0.0,
        "replaces": 0,
        "refusals": [],
        "code": "c",
    }
    return SimpleNamespace(**{**facts, **state, **changed})


def judged(*vouchers, steps=("issue", "activate"), wished=0, paid_at=BOUGHT, **changed):
    """Judge an order that sells one voucher of 5.00."""
    operations = [operation(pk, kind, TOPPED_UP) for pk, kind in enumerate(steps, start=1)]
    order = Order("1", {"a": (500, 1)}, paid_at=paid_at)
    books = {each.id: each for each in vouchers}
    return judge_sales(books, [], operations, [sale(**changed)], [order], {1: wished})


def test_the_oracle_of_sales_finds_nothing_where_all_is_right():
    assert judged(voucher()).problems == []
    topped_up = judged(
        voucher(rows=[booked("recharge", 300, by=3)]),
        steps=("issue", "activate", "recharge"),
        wished=300,
        topped_up=TOPPED_UP,
    )
    assert topped_up.problems == []


def test_the_oracle_finds_a_voucher_that_is_lost():
    assert "order 1 is paid and lacks vouchers: Counter({500: 1})" in judged().problems
    assert judged(voucher(status="inactive")).wrong_vouchers


def test_the_oracle_finds_a_second_voucher():
    assert judged(voucher(), voucher(id="s2")).problems == ["s2 was created, and no sale knows it"]


def test_the_oracle_finds_a_voucher_that_became_valid_before_it_was_paid():
    assert judged(voucher(), paid_at=3.5).problems == ["order 1: s1 became valid before it was paid"]


def test_the_oracle_finds_a_code_that_is_lost():
    assert judged(voucher(), code="").problems == ["sale 1 (active) of order 1: its code is lost"]


def test_the_oracle_finds_a_spent_voucher_that_was_taken_back():
    spent = voucher(status="inactive", rows=[booked("charge", 200)])
    assert judged(spent, status="taken_back", target="taken_back").wrong_cents == 200


def test_the_oracle_finds_a_top_up_that_was_added_twice_or_never():
    steps = {"steps": ("issue", "activate", "recharge"), "wished": 300, "topped_up": TOPPED_UP}
    twice = judged(voucher(rows=[booked("recharge", 300, by=3)] * 2), **steps)
    assert (twice.wrong_cents, twice.silent) == (600, 1)
    assert judged(voucher(), **steps).wrong_cents == 300
