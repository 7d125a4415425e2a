"""The settings, signals and tags of the README make a shop as they stand, with the variables of ``voucher_connect``."""

import ast
import re
import subprocess
import sys

import pytest

from tests.docs.pages import ROOT, blocks
from voucher_payment_gateway.api import ClientCredentials
from voucher_payment_gateway.conf import GatewaySettings
from voucher_payment_gateway.management.connect import NOT_KNOWN_YET, as_environment

README = ROOT / "README.md"
FILE = re.compile(r"^# (\S+\.py)\b.*\n", re.MULTILINE)
MANAGE = """
import os, sys
os.environ["DJANGO_SETTINGS_MODULE"] = "settings"
from django.core.management import execute_from_command_line
execute_from_command_line(sys.argv)
"""
BEFORE = """
SECRET_KEY, USE_TZ, ROOT_URLCONF = "only-for-tests", True, "urls"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
INSTALLED_APPS = ["django.contrib.sessions", "django.contrib.contenttypes", "django.contrib.messages", "shop"]
MIDDLEWARE = [
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
]
TEMPLATES = [{"BACKEND": "django.template.backends.django.DjangoTemplates", "APP_DIRS": True}]
DATABASES = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": "db.sqlite3"}}
"""


def files():
    """The files that the README shows, by path."""
    (text,) = [
        block.text
        for block in blocks(README)
        if block.language == "python" and "INSTALLED_APPS" in block.text
    ]
    parts = FILE.split(text)[1:]
    return dict(zip(parts[::2], parts[1::2], strict=True))


def variables():
    """The environment variables that ``voucher_connect`` writes."""
    credentials = ClientCredentials(id="id", secret="secret", name="Shop", scopes=["use"])
    address = GatewaySettings.model_validate({**NOT_KNOWN_YET, "ENVIRONMENT": "local"})
    return set(re.findall(r"^(\w+)=", as_environment(credentials, address), re.MULTILINE))


def test_the_readme_names_the_variables_of_voucher_connect_and_no_other():
    assert set(re.findall(r"VOUCHER_CLOUD_[A-Z_]+", README.read_text())) == variables()


def test_every_variable_of_a_page_is_written_by_voucher_connect():
    for page in (ROOT / "docs").rglob("*.md"):
        assert set(re.findall(r"VOUCHER_CLOUD_[A-Z]+(?:_[A-Z]+)*", page.read_text())) <= variables(), page


def test_the_readme_shows_the_signals_that_its_settings_name():
    shown = files()
    assert {"settings.py", "shop/models.py", "shop/signals.py", "shop/checkout.py", "urls.py"} == set(shown)
    named = set(re.findall(r'"shop\.signals\.(\w+)"', shown["settings.py"]))
    made = {
        node.targets[0].id
        for node in ast.parse(shown["shop/signals.py"]).body
        if isinstance(node, ast.Assign)
    }
    assert named == made
    assert "def current_order" in shown["shop/checkout.py"]
    assert "{% voucher_styles %}" in README.read_text()


@pytest.fixture
def sealing_key():
    """The key that the README's command prints."""
    (command,) = re.findall(r'^\$ python -c "(.+)"$', README.read_text(), re.MULTILINE)
    made = subprocess.run([sys.executable, "-c", command], capture_output=True, text=True, check=True)
    return made.stdout.strip()


def test_what_the_readme_shows_is_a_shop_without_mistakes(tmp_path, sealing_key):
    for path, text in {**files(), "manage.py": MANAGE, "shop/__init__.py": ""}.items():
        target = tmp_path / path
        target.parent.mkdir(exist_ok=True)
        target.write_text(BEFORE + text if path == "settings.py" else text)
    environment = {"PATH": "/usr/bin:/bin", "PYTHONPATH": str(ROOT), "VOUCHER_SEALING_KEY": sealing_key}
    environment |= dict.fromkeys(variables(), "production")
    for command in (["makemigrations", "shop"], ["migrate", "-v", "0"], ["check"]):
        done = subprocess.run(
            [sys.executable, "manage.py", *command],
            cwd=tmp_path,
            env=environment,
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, done.stderr
