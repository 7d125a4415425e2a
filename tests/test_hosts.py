"""Adapters to shop frameworks stay apart: nothing of a host is imported, or tested, unless a project names it."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
SCRIPT = """
import sys
import voucher_payment_gateway.hosts, {package}
hosts = {{"payments", "oscar", "oscarapi", "oscarapicheckout"}}
print(sorted(hosts & {{name.partition(".")[0] for name in sys.modules}}))
"""


@pytest.mark.parametrize("package", ["voucher_payment_gateway.hosts.django_payments"])
def test_importing_an_adapter_imports_no_host(package):
    command = [sys.executable, "-c", SCRIPT.format(package=package)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert (done.stdout, done.stderr) == ("[]\n", "")


def test_the_tests_of_the_hosts_are_collected_with_their_own_settings_alone():
    """Of the folders that begin with an ``h``: the health checks, and no host."""
    command = [sys.executable, "-m", "pytest", "--collect-only", "-q", "-p", "no:cacheprovider", "tests"]
    done = subprocess.run([*command, "--ignore-glob=*/tests/[!h]*"], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout
    assert "tests/health/" in done.stdout
    assert "tests/hosts/" not in done.stdout
