"""A killed worker loses nothing, and several never do a thing twice: real workers, on PostgreSQL and Redis."""

import os
import re
import subprocess
import sys

import pytest

from tests.redis_server import redis_server


@pytest.fixture
def play(postgres_url, figures):
    def play(queue, **environment):
        done = subprocess.run(
            [sys.executable, "-m", "tests.tasks.run", queue],
            env={**os.environ, "DATABASE_URL": postgres_url, **environment},
            capture_output=True,
            text=True,
        )
        assert (done.returncode, done.stderr) == (0, ""), done.stdout + done.stderr
        rounds, tasks = re.search(r"(\d+) rounds of (\d+) tasks, 0 problems", done.stdout).groups()
        figures(f"workers of {queue}", tasks=int(rounds) * int(tasks), problems=0)

    return play


def test_celery_workers_of_which_two_are_killed_do_each_thing_once(play, tmp_path):
    with redis_server(tmp_path) as broker:
        play("celery", WORKER_BROKER=broker)


def test_workers_of_djangos_tasks_of_which_two_are_killed_do_each_thing_once(play):
    play("django")
