"""Run Oscar's own tests of checkout, order and payment without the adapter and with it, and compare.

``FOLDER`` is a checkout of Oscar's repository: its source distribution has no tests. Exit code 1 where a test fails
with the adapter that does not fail without it, or where none was run.
"""

import os
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from xml.etree import ElementTree

TESTS = (
    "tests/functional/checkout",
    "tests/functional/order",
    "tests/functional/dashboard/test_order.py",
    "tests/functional/test_basket.py",
    "tests/integration/checkout",
    "tests/integration/order",
    "tests/integration/payment",
    "tests/integration/dashboard",
    "tests/unit/checkout",
    "tests/unit/dashboard",
)
"""What the adapter has to do with: placing, paying and processing an order, and its pages in the dashboard."""

SQLITE = {"DATABASE_ENGINE": "django.db.backends.sqlite3", "DATABASE_NAME": ":memory:"}

BROKEN = ("failed", "error")


def main() -> int:
    if len(sys.argv) != 2:
        print(__doc__)
        return 2
    folder = Path(sys.argv[1]).resolve()
    tests = [path for path in TESTS if (folder / path).exists()]
    print("tests:", *tests, *(f"(not there: {path})" for path in TESTS if path not in tests))
    without = run(folder, tests, "tests.settings")
    with_vouchers = run(folder, tests, "with_vouchers.settings")
    return compare(without, with_vouchers)


def run(folder: Path, tests: list[str], settings: str) -> dict[str, str]:
    """Return the outcome of each test with these settings."""
    with TemporaryDirectory() as temporary:
        report = Path(temporary, "report.xml")
        paths = [str(folder), str(Path(__file__).parent / "path"), str(Path(__file__).parents[4])]
        command = [
            sys.executable,
            "-m",
            "pytest",
            "-q",
            "--tb=line",
            "-p",
            "no:cacheprovider",
            "--deprecation=none",
        ]
        subprocess.run(
            [*command, "--nomigrations", f"--junitxml={report}", *tests],
            check=False,
            cwd=folder,
            env={
                **os.environ,
                **SQLITE,
                "PYTHONPATH": os.pathsep.join(paths),
                "DJANGO_SETTINGS_MODULE": settings,
            },
        )
        return outcomes(report)


def outcomes(report: Path) -> dict[str, str]:
    """Return the outcome of each test in a report of pytest."""
    if not report.exists():
        return {}
    found = {}
    for case in ElementTree.parse(report).iter("testcase"):
        kinds = [child.tag for child in case if child.tag in ("failure", "error", "skipped")]
        name = f"{case.get('classname')}::{case.get('name')}"
        found[name] = {"failure": "failed"}.get(kinds[0], kinds[0]) if kinds else "passed"
    return found


def compare(without: dict[str, str], with_vouchers: dict[str, str]) -> int:
    """Print what differs; return 1 where something is worse with the adapter."""
    worse = [
        name
        for name in sorted(without.keys() | with_vouchers.keys())
        if without.get(name) == "passed" and with_vouchers.get(name) != "passed"
    ]
    for title, found in (("without the adapter", without), ("with the adapter", with_vouchers)):
        broken = sorted(name for name, outcome in found.items() if outcome in BROKEN)
        print(
            f"{title}: {len(found)} tests, {list(found.values()).count('passed')} passed, {len(broken)} failed"
        )
        print(*(f"  {name}" for name in broken), sep="\n")
    print("worse with the adapter:", *(worse or ["none"]), sep="\n  ")
    return 1 if worse or "passed" not in with_vouchers.values() else 0


if __name__ == "__main__":
    sys.exit(main())
