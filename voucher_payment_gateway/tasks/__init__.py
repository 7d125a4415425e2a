"""Background tasks: the sweeps of a shop for Celery, and in ``tasks.django`` as tasks of Django.

Celery finds them by ``app.autodiscover_tasks()``, under the names ``voucher_payment_gateway.tasks.settle`` and so on;
``from voucher_payment_gateway.tasks import settle`` gives one to call ``settle.delay()``. This module can be imported
whatever is installed: Celery is imported with it only where the process uses Celery already, or once a task is asked
for. Without Celery that raises ImportError, which says what to install.
"""

import sys
from importlib import import_module
from typing import Any

NAMES = ("deliver", "reconcile", "remind", "settle")

if sys.modules.get("celery"):  # autodiscovery: the tasks are registered when their module is imported
    import_module("voucher_payment_gateway.tasks.celery")


def __getattr__(name: str) -> Any:
    if name not in NAMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module("voucher_payment_gateway.tasks.celery"), name)
