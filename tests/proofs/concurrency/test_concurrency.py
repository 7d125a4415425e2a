"""8 processes × 8 threads: one order, one voucher, a capture against settle; two settlers.

20 rounds, or ``PARALLEL_ROUNDS``. Before a release: ``make crowd`` plays 5,000.
"""

import os
import re
import subprocess
import sys

import pytest

ROUNDS = int(os.environ.get("PARALLEL_ROUNDS") or 20)


def play(scenario, rounds, database_url, figures):
    done = subprocess.run(
        [sys.executable, "-m", "tests.proofs.concurrency.run", scenario, "--rounds", str(rounds)],
        env={**os.environ, "DATABASE_URL": database_url},
        capture_output=True,
        text=True,
    )
    assert (done.returncode, done.stderr) == (0, ""), done.stdout + done.stderr
    played, vendor, wrong = re.search(r"(\d+) rounds on (\w+), (\d+) wrong", done.stdout).groups()
    figures(f"crowd on {vendor}, {scenario}", rounds=int(played), wrong=int(wrong))
    assert int(played) == rounds


@pytest.mark.parametrize(
    ("scenario", "rounds"),
    [
        ("one_order", ROUNDS),
        ("one_voucher", 1 + ROUNDS // 20),
        ("confirmations", 1 + ROUNDS // 20),
        ("capture_against_settle", 1 + ROUNDS // 20),
        ("settlers", 1 + ROUNDS // 100),
    ],
)
def test_each_charge_is_made_once_on_postgresql(scenario, rounds, postgres_url, figures):
    play(scenario, rounds, postgres_url, figures)


@pytest.mark.parametrize(
    "scenario", ["one_order", "one_voucher", "confirmations", "capture_against_settle", "settlers"]
)
def test_each_charge_is_made_once_on_sqlite_though_the_database_is_locked(scenario, figures):
    play(scenario, 1 + ROUNDS // 100, "sqlite:", figures)
