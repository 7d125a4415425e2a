"""The sweeps as tasks of Django: ``django.tasks`` of Django 6.0 and newer, or its backport ``django-tasks``.

``settle.enqueue()`` puts one into the queue of the default backend, ``settle.using(queue_name=…)`` into another one.
"""

from typing import Any

from voucher_payment_gateway.tasks import sweeps

try:
    from django.tasks import task
except ImportError:
    try:
        from django_tasks import task  # type: ignore[no-redef]
    except ImportError:
        raise ImportError(
            "This is a task of Django, which Django 6.0 and newer have; with Django 5.2: "
            'pip install "voucher-payment-gateway[tasks]". '
            "Without it run manage.py voucher_settle and voucher_reconcile, or use voucher_payment_gateway.tasks."
        ) from None

__all__ = ["deliver", "reconcile", "remind", "settle"]


@task
def settle(limit: int = 100) -> dict[str, int]:
    """Finish what is open, as ``gateway.settle``; return its report."""
    return sweeps.settle(limit)


@task
def deliver(limit: int = 100) -> dict[str, int]:
    """Hand over the codes of sold vouchers that are due, as ``settle`` does too; return how many."""
    return sweeps.deliver(limit)


@task
def remind(limit: int = 100) -> dict[str, int]:
    """Send the reminders that are due, as ``settle`` does too; return how many."""
    return sweeps.remind(limit)


@task
def reconcile(days: int = 1, account: str | None = None) -> dict[str, Any]:
    """Compare the last ``days`` days with the Voucher Cloud; return the number of open differences."""
    return sweeps.reconcile(days, account)
