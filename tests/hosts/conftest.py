"""Each host framework is a Django project of its own: its tests run with its settings, and with those alone."""

import os
from pathlib import Path

import pytest

from tests.browser.conftest import launched
from tests.hosts import foreign_warnings

HERE = Path(__file__).parent
HOSTS = [each.name for each in HERE.iterdir() if (each / "settings.py").exists()]
collect_ignore = [
    host for host in HOSTS if os.environ["DJANGO_SETTINGS_MODULE"] != f"tests.hosts.{host}.settings"
]


def pytest_collection_modifyitems(items):
    for item in items:
        if HERE in item.path.parents:
            item.add_marker(pytest.mark.filterwarnings(*foreign_warnings.IGNORED))


@pytest.fixture(scope="module")
def chromium():
    """One browser for the tests of a module: those of the next one use the database."""
    with launched() as browser:
        yield browser
