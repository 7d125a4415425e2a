"""Some hundred schedules must go the same way in the simulation and in the shipped gateway."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.proofs.differential import deviations
from tests.proofs.differential.run import compare_many
from tests.proofs.planted import sample_of

ROOT = Path(__file__).parents[3]
SCHEDULES = int(os.environ.get("DIFFERENTIAL_SCHEDULES", "40"))
BATCH = min(SCHEDULES, 20)
MUST_HAPPEN = {"faults", "crash", "sleep", "charge succeeded", "charge refused", "refund succeeded"}
"""Schedules without one of these would prove too little."""


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("first", range(0, SCHEDULES, BATCH))
def test_the_simulation_and_the_shipped_gateway_end_every_operation_and_every_cent_alike(first, figures):
    differing, seen = compare_many(first, BATCH)
    figures(
        "differential",
        schedules=BATCH,
        operations=seen["operations"],
        calls=seen["calls"],
        faults=seen["faults"],
        crashes=seen["crash"],
        sleeping_workers=seen["sleep"],
        differing=len(differing),
    )
    assert not differing, "\n".join(differing)
    assert set(seen) >= MUST_HAPPEN


def caught(found, figures):
    figures("differential, planted deviations", caught=(int(found is not None), 1))
    assert found is not None
    assert "python -m tests.proofs.differential.compare" in str(found)


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("deviation", sample_of(deviations.SIMULATED))
def test_a_planted_deviation_of_the_simulation_is_found(deviation, figures):
    caught(deviations.found_in_simulated(deviations.SIMULATED[deviation]), figures)


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("deviation", sample_of(deviations.SHIPPED))
def test_a_planted_deviation_of_the_shipped_gateway_is_found(deviation, figures):
    kinds = deviations.REPEATED.get(deviation, ("charge", "refund"))
    caught(deviations.found_in_shipped(deviations.SHIPPED[deviation], kinds), figures)


def test_a_schedule_is_replayed_by_the_command_that_a_differing_one_prints():
    code = (
        "from tests.proofs.storm.bench import database\n"
        "from tests.proofs.differential.compare import compared\n"
        "from tests.proofs.differential.schedule import drawn\n"
        "with database(): print(compared(drawn(17)))"
    )
    printed = run("-c", code)
    (command,) = re.findall(r"python (-m .+)\)", printed)
    assert run(*command.split()).endswith(printed)


def run(*arguments):
    environment = {**os.environ, "DJANGO_SETTINGS_MODULE": "tests.settings", "DATABASE_URL": "sqlite:"}
    command = [sys.executable, *arguments]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=True)
    return done.stdout
