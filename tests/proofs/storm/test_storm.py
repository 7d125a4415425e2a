"""After a few hundred days of fault injection every cent is where the shop's rows say it is."""

import os
import re
import subprocess
import sys

import pytest
from django.db import connection

from tests.docs.pages import ROOT
from tests.proofs.storm import transitions
from tests.proofs.storm.run import play_many

DAYS = int(os.environ.get("STORM_DAYS", "90"))
FIRST = 134
"""The seed from which the fewest days have every rare thing."""
BATCH = min(DAYS, 90)
MUST_HAPPEN = {
    "crash",
    "freeze",
    "locked",
    "doubled",
    "charge succeeded",
    "charge refused",
    "refund succeeded",
    "refund refused",
    "cancel succeeded",
    "fault after:drop",
    "fault before:drop",
    "fault late:drop",
    "sale sold active",
    "sale credit active",
    "top_up succeeded",
    "rung recharge",
    "rung new_voucher",
}
"""Without one of these a storm would prove too little."""
MANY_DAYS = 80
MUST_HAPPEN_IN_MANY_DAYS = {
    "sale sold taken_back",
    "sale refund active",
    "credit succeeded",
    "rung manual",
    "unknown sale",
    "unknown top_up",
    "unknown credit",
    "unknown fallback",
}
"""The same of a storm of ``MANY_DAYS`` or more, and of up to as many days more where a rare one has not come yet."""
MORE_DAYS = 10


def play(first):
    """Play ``BATCH`` days, and more where a rare thing has not come yet. What each day meets changes with the code."""
    days, (wrong, seen) = BATCH, play_many(first, BATCH)
    while MANY_DAYS <= days < 2 * BATCH and not set(seen) >= MUST_HAPPEN_IN_MANY_DAYS:
        more = play_many(first + days, MORE_DAYS)
        days, wrong, seen = days + MORE_DAYS, wrong + more[0], seen + more[1]
    return days, wrong, seen


def counted(seen, begin):
    return sum(count for what, count in seen.items() if what.startswith(begin))


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("first", range(FIRST, FIRST + DAYS, BATCH))
def test_after_a_storm_every_cent_is_where_our_rows_say(first, figures):
    days, wrong, seen = play(first)
    figures(
        f"storm on {connection.vendor}",
        days=days,
        operations=sum(counted(seen, f"{kind} ") for kind in ("charge", "refund", "reserve", "cancel")),
        faults=counted(seen, "fault "),
        crashes=seen["crash"],
        frozen_steps=seen["freeze"],
        database_failures=seen["locked"] + seen["commit unanswered"],
        doubled_requests=seen["doubled"],
        vouchers_given=counted(seen, "sale "),
        rungs=counted(seen, "rung "),
        surplus_bookings_told=seen["difference theirs_only"],
        wrong_days=len(wrong),
    )
    assert not wrong, "\n".join(map(str, wrong))
    assert set(seen) >= MUST_HAPPEN
    assert days < MANY_DAYS or set(seen) >= MUST_HAPPEN_IN_MANY_DAYS
    for kind, allowed in transitions.ALLOWED.items():
        assert transitions.transitions_of(kind, seen) <= allowed


def test_a_day_is_replayed_by_the_command_that_a_wrong_one_prints():
    """The day has the same story there, whatever was played before in its process, and however strings are hashed."""
    code = (
        "from tests.proofs.storm.bench import database\nfrom tests.proofs.storm.day import play\n"
        "with database():\n    _, day = play(250), play(250)\n    print(*day.story, day, sep='\\n')"
    )
    printed = run("-c", code)
    (command,) = re.findall(r"python (-m .+)\)", printed)
    replayed = run(*command.split())
    story, summary = printed.split("seed 250", 1)
    assert replayed.startswith(story)
    assert replayed.endswith(summary)
    assert "authorize 250" in story


def run(*arguments):
    environment = {**os.environ, "DJANGO_SETTINGS_MODULE": "tests.settings", "DATABASE_URL": "sqlite:"}
    command = [sys.executable, *arguments]
    return subprocess.run(
        command, cwd=ROOT, env=environment, capture_output=True, text=True, check=True
    ).stdout
