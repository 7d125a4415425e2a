"""Concurrency testing: many processes and threads use one order, voucher or operation at the same moment.

The commands of this package import the gateway, so Django is set up here.
"""

import os

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.settings")
django.setup()
