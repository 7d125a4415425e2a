"""Where OpenTelemetry is missing nothing of it is loaded; where it is broken no verb notices; the page exports."""

import os
import subprocess
import sys

import pytest

from tests.docs.pages import ROOT
from voucher_payment_gateway.telemetry.instruments import INSTRUMENTS

NOT_COUNTED = {"throttle.hits", "sweep.age", "api.calls.not_sent"}
"""No attempt is stopped in a purchase, no sweep runs in it, and the Voucher Cloud answers."""

SERVED = sorted(
    each.name.replace(".", "_") + ("_seconds" if each.unit == "s" else "")
    for each in INSTRUMENTS
    if each.suffix not in NOT_COUNTED
)


@pytest.mark.parametrize(
    ("what", "verbs", "printed"),
    [
        ("missing", "bare", []),
        ("broken", "wrapped", ["opentelemetry"]),
        ("recorded", "wrapped", ["opentelemetry"]),
        ("misnamed", "wrapped", ["opentelemetry"]),
        ("prometheus", "wrapped", SERVED),
        ("otlp", "wrapped", ["/v1/metrics", "/v1/traces"]),
    ],
)
def test_a_purchase_is_the_same(server, voucher_cloud, what, verbs, printed):
    voucher = voucher_cloud.add_voucher(code="GIFT-2000-ABCD", amount="50.00")
    done = subprocess.run(
        [sys.executable, "-m", "tests.telemetry.programs", what, server.base_url],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.stderr == ""
    assert done.stdout.splitlines() == ["captured 20.00", "VoucherUnusableError", verbs, str(printed)]
    assert str(voucher_cloud.balance(voucher.id)) == "30.00"
