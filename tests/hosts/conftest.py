"""Each host framework is a Django project of its own: its tests run with its settings, and with those alone."""

import os
from pathlib import Path

import pytest

HERE = Path(__file__).parent
HOSTS = [each.name for each in HERE.iterdir() if (each / "settings.py").exists()]
THEIRS = "oscar|oscarapi|oscarapicheckout|payments|haystack|treebeard|django_tables2|sorl|widget_tweaks|drf_recaptcha"
"""The host's own packages: a warning that they cause is not ours to mend."""
OF_TREEBEARD = r"ignore:Using \w+\.\w+\(\) is deprecated. Use \w+\.objects:DeprecationWarning"
"""Oscar calls it from a tag, and the warning names the module of Django that called the tag."""

collect_ignore = [
    host for host in HOSTS if os.environ["DJANGO_SETTINGS_MODULE"] != f"tests.hosts.{host}.settings"
]


def pytest_collection_modifyitems(items):
    for item in items:
        if HERE in item.path.parents:
            item.add_marker(pytest.mark.filterwarnings(f"ignore:::({THEIRS})($|[.])", OF_TREEBEARD))
