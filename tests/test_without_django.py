"""What the package needs; and the client in an environment that has no Django."""

import ast
import importlib.metadata
import subprocess
import sys
import tomllib
from pathlib import Path

from packaging.requirements import Requirement

ROOT = Path(__file__).resolve().parent.parent

MODULES = {
    "opentelemetry-api": "opentelemetry",
    "django-oscar": "oscar",
    "django-payments": "payments",
    "django-oscar-api-checkout": "oscarapicheckout",
}
"""The modules of distributions with another name."""

TEST_KIT = {"pytest"}
"""What the test kit alone imports, in a project that has it."""

SCRIPT = """
import sys
from decimal import Decimal
from voucher_payment_gateway.api import VoucherCloud
with VoucherCloud(client_id="local-shop", client_secret="local-shop-secret", base_url=sys.argv[1]) as cloud:
    held = cloud.reserve(code="CODE-1", amount=Decimal("5.00"), currency="EUR")
    print(cloud.charge(held.id, "ORDER-001").amount)
try:
    import django
except ImportError:
    print("no Django")
"""


def needed(*names):
    """Return the distributions that these need, themselves included."""
    found, waiting = set(), list(names)
    while waiting:
        name = waiting.pop().lower()
        if name in found:
            continue
        found.add(name)
        requirements = map(Requirement, importlib.metadata.requires(name) or ())
        waiting += [
            each.name for each in requirements if not each.marker or each.marker.evaluate({"extra": ""})
        ]
    return found


def imported(folder):
    """Return the top-level modules that the files below ``folder`` import."""
    for path in folder.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Import):
                yield from (alias.name.partition(".")[0] for alias in node.names)
            elif isinstance(node, ast.ImportFrom):
                yield str(node.module).partition(".")[0]


def test_all_that_the_package_imports_is_declared():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    lists = [project["dependencies"], *project["optional-dependencies"].values()]
    names = {Requirement(line).name for each in lists for line in each}
    declared = {MODULES.get(name, name.replace("-", "_")) for name in names}
    foreign = set(imported(ROOT / "voucher_payment_gateway")) - sys.stdlib_module_names
    assert foreign - {"voucher_payment_gateway"} - TEST_KIT - declared == set()


def environment_of(folder, distributions):
    """Fill ``folder`` with links to what these distributions installed, and nothing else."""
    for name in distributions:
        distribution = importlib.metadata.distribution(name)
        tops = {
            file.parts[0] for file in distribution.files or () if file.parts[0] not in ("..", "__pycache__")
        }
        for top in tops:
            link = folder / top
            if not link.exists():
                link.symlink_to(distribution.locate_file(top))
    (folder / "voucher_payment_gateway").symlink_to(ROOT / "voucher_payment_gateway")


def test_the_client_works_where_django_is_not_installed(server, voucher_cloud, tmp_path):
    voucher = voucher_cloud.add_voucher(code="CODE-1", amount="20.00")
    environment_of(tmp_path, needed("httpx", "httpcore", "pydantic"))
    command = [sys.executable, "-S", "-c", SCRIPT, server.base_url]
    done = subprocess.run(
        command, cwd=tmp_path, env={"PYTHONPATH": str(tmp_path)}, capture_output=True, text=True, timeout=60
    )
    assert (done.stderr, done.stdout.split("\n")[:2]) == ("", ["5.00", "no Django"])
    assert str(voucher_cloud.balance(voucher.id)) == "15.00"
