"""Crash testing: processes are killed at every numbered crash point, restarted, and compared with the cloud's books.

The commands of this package import the gateway, so Django is set up here.
"""

import os

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.settings")
django.setup()
