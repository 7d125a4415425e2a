"""Processes that are killed at every numbered crash point, and what becomes of the money.

The commands of this package import the gateway, so Django is set up here.
"""

import os

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.settings")
django.setup()
