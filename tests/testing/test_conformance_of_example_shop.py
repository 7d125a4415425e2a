"""The example shop conforms, by its own pages."""

import json
import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
EXAMPLE = ROOT / "example_project"


def test_the_example_shop_conforms(tmp_path):
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-W", "error"]
    command += ["--ds=tests.testing.example_shop.settings", "tests/testing/example_shop/conformance.py"]
    environment = {
        **{name: value for name, value in os.environ.items() if name != "DJANGO_SETTINGS_MODULE"},
        "PYTHONPATH": os.pathsep.join([str(ROOT), str(EXAMPLE)]),
        "EXAMPLE_VAR_DIR": str(tmp_path),
        "EXAMPLE_THROTTLE": json.dumps({"refusal_seconds": 0}),
    }
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, env=environment)
    assert done.returncode == 0, done.stdout + done.stderr
    assert " passed" in done.stdout
