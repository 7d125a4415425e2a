"""The sweeps as Celery tasks, for any app of the process.

A sweep whose worker is killed goes back to the queue: it is safe to repeat, and leaves out what the killed one had
leased. Celery never retries a task by itself: ``settle`` knows when a call may be sent again, Celery does not.
"""

from typing import Any

from voucher_payment_gateway.tasks import sweeps

try:
    from celery import shared_task
except ImportError:
    raise ImportError(
        "This is a Celery task, and Celery is not installed: "
        'pip install "voucher-payment-gateway[celery]". '
        "Without it run manage.py voucher_settle and voucher_reconcile, or use voucher_payment_gateway.tasks.django."
    ) from None

__all__ = ["deliver", "reconcile", "remind", "settle"]

SWEEP: dict[str, Any] = {
    "acks_late": True,
    "reject_on_worker_lost": True,
    "max_retries": 0,
    "time_limit": sweeps.TIME_LIMIT_SECONDS,
}


@shared_task(name="voucher_payment_gateway.tasks.settle", **SWEEP)
def settle(limit: int = 100) -> dict[str, int]:
    """Finish what is open, as ``gateway.settle``; return its report."""
    return sweeps.settle(limit)


@shared_task(name="voucher_payment_gateway.tasks.deliver", **SWEEP)
def deliver(limit: int = 100) -> dict[str, int]:
    """Hand over the codes of sold vouchers that are due, as ``settle`` does too; return how many."""
    return sweeps.deliver(limit)


@shared_task(name="voucher_payment_gateway.tasks.remind", **SWEEP)
def remind(limit: int = 100) -> dict[str, int]:
    """Send the reminders that are due, as ``settle`` does too; return how many."""
    return sweeps.remind(limit)


# acknowledged early: it may run for longer than a broker waits for a late acknowledgement, which starts it again
@shared_task(name="voucher_payment_gateway.tasks.reconcile", max_retries=0, acks_late=False)
def reconcile(days: int = 1, account: str | None = None) -> dict[str, Any]:
    """Compare the last ``days`` days with the Voucher Cloud; return the number of open differences."""
    return sweeps.reconcile(days, account)
