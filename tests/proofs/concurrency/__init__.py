"""Many processes and threads at the same order, voucher and operations, against one database.

The commands of this package import the gateway, so Django is set up here.
"""

import os

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.settings")
django.setup()
