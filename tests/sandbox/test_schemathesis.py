"""Requests generated from the OpenAPI document cause no 5xx, and every answer matches its schema."""

import json
import subprocess
import sys

import httpx

from tests.sandbox.conftest import LONG, token_of
from voucher_payment_gateway.sandbox import LocalVoucherCloud, serve

FEWEST_CASES = 1000
PER_OPERATION = 30
SEED = 20
MAX_SECONDS = 900
BUSINESS = "positive_data_acceptance"
"""Excluded: a valid request may still be refused, because of a balance, a code or a state."""

CONFIGURATION = """
headers = {{ Authorization = "Bearer {token}" }}

[phases.stateful.inference]
algorithms = []

[[operations]]
include-operation-id = "disconnect"
headers = {{ Authorization = "Bearer {leaving}" }}
"""
"""Follows only the links of the document: a guessed one would use the empty id of a request as a voucher's.

Another client calls disconnect, which would invalidate the token of all other requests.
"""


def test_1000_generated_requests_meet_no_5xx_and_no_schema_violation(tmp_path):
    cloud = LocalVoucherCloud()
    with serve(cloud) as server:
        cloud.token_seconds = LONG
        token, leaving = token_of(server.url).json()["access_token"], _token_of_another(cloud, server)
        (tmp_path / "schemathesis.toml").write_text(CONFIGURATION.format(token=token, leaving=leaving))
        cloud.forget_requests()
        done = subprocess.run(
            _command(server.url), cwd=tmp_path, capture_output=True, text=True, timeout=MAX_SECONDS
        )
        assert httpx.get(f"{server.base_url}/vouchers", headers=_bearer(token)).status_code == 200
        assert httpx.get(f"{server.base_url}/vouchers", headers=_bearer(leaving)).status_code == 401
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


def _token_of_another(cloud, server):
    client = cloud.add_client()
    return token_of(server.url, client.id, client.secret).json()["access_token"]


def _bearer(token):
    return {"Authorization": f"Bearer {token}"}


def _command(url):
    options = {
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
