"""Requests made from the local Voucher Cloud's own description find no 5xx and no answer beside its schemas."""

import json
import subprocess
import sys

from tests.sandbox.conftest import LONG, token_of
from voucher_payment_gateway.sandbox import LocalVoucherCloud, serve

FEWEST_CASES = 2000
PER_OPERATION = 60
SEED = 20
LONGEST_SECONDS = 110
BUSINESS = "positive_data_acceptance"
"""Left out: a request that fits the schema may still be refused, for a balance, a code or a state."""

CONFIGURATION = """
[phases.stateful.inference]
algorithms = []
"""
"""Follows the links of the description alone: a guessed one takes the empty id of a request for a voucher's."""


def test_2000_generated_requests_meet_no_5xx_and_no_schema_violation(tmp_path):
    (tmp_path / "schemathesis.toml").write_text(CONFIGURATION)
    cloud = LocalVoucherCloud()
    with serve(cloud) as server:
        cloud.token_seconds = LONG
        token = token_of(server.url).json()["access_token"]
        cloud.forget_requests()
        done = subprocess.run(
            _command(server.url, token), cwd=tmp_path, capture_output=True, text=True, timeout=LONGEST_SECONDS
        )
    assert done.returncode == 0, f"{done.stdout[-20000:]}\n{done.stderr[-2000:]}"
    report = json.loads((tmp_path / "report.json").read_text())
    cases, operations = report["test_cases"], report["operations"]
    print(f"{cases['generated']} cases, {len(cloud.requests)} requests")
    assert report["complete"]
    assert operations["tested"] == operations["total"] > 0
    assert cases["with_failures"] == cases["errored"] == 0
    assert cases["generated"] - cases["without_checks"] >= FEWEST_CASES
    assert len(cloud.requests) >= FEWEST_CASES
    cloud.ledger.check()


def _command(url, token):
    options = {
        "--header": f"Authorization: Bearer {token}",
        "--checks": "all",
        "--exclude-checks": BUSINESS,
        "--max-examples": str(PER_OPERATION),
        "--seed": str(SEED),
        "--generation-database": "none",
        "--report": "json",
        "--report-json-path": "report.json",
    }
    words = [word for option in options.items() for word in option]
    return [sys.executable, "-m", "schemathesis.cli", "run", f"{url}/openapi.json", "--no-color", *words]
