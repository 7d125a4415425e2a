"""Each host framework is a Django project of its own: its tests run with its settings, and with those alone."""

import os
from pathlib import Path

HOSTS = [each.name for each in Path(__file__).parent.iterdir() if (each / "settings.py").exists()]

collect_ignore = [
    host for host in HOSTS if os.environ["DJANGO_SETTINGS_MODULE"] != f"tests.hosts.{host}.settings"
]
