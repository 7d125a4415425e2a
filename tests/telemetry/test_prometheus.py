"""A real Prometheus scrapes real calls of the package: its names are those of the documentation, its alarms fire."""

import os
import shutil
import subprocess
import sys

import pytest

from tests.docs.pages import ROOT
from tests.prometheus_server import MISSING

OF_THIS_RUN = ("PYTEST_ADDOPTS", "PYTEST_XDIST_WORKER", "PYTEST_XDIST_TESTRUNUID")


def test_the_alarms_fire_and_the_dashboard_is_shown():
    if shutil.which("prometheus") is None:
        pytest.skip(MISSING)
    played = ("tests/telemetry/in_prometheus.py", "-p", "no:cacheprovider", "-p", "no:xdist")
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", *played],
        cwd=ROOT,
        env={name: value for name, value in os.environ.items() if name not in OF_THIS_RUN},
        capture_output=True,
        text=True,
        timeout=400,
    )
    assert done.returncode == 0, done.stdout[-8000:] + done.stderr[-2000:]
    assert "1 passed" in done.stdout
