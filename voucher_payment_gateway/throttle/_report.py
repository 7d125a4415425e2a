"""Tell the operator and the shop that the limit of everyone was reached: customers cannot redeem vouchers meanwhile."""

from voucher_payment_gateway.alerts import ALERT_SECONDS
from voucher_payment_gateway.log_events import RunningEvents
from voucher_payment_gateway.short_memory import is_first
from voucher_payment_gateway.signals import guessing_limit_reached
from voucher_payment_gateway.throttle._counts import Counter

__all__ = ["report_limit_reached"]


def report_limit_reached(counter: Counter, account: str) -> None:
    """Log it and send ``guessing_limit_reached``, once in ten minutes for each merchant account. An error of a receiver
    is logged."""
    if not is_first(f"alert.guessing.{account}", ALERT_SECONDS):
        return
    seconds_left = counter.seconds_left()
    RunningEvents.guessing_limit_reached.log(limit=counter.most, seconds_left=seconds_left, account=account)
    sent = guessing_limit_reached.send_robust(sender=None, limit=counter.most, seconds_left=seconds_left)
    for receiver, response in sent:
        if isinstance(response, Exception):
            RunningEvents.receiver_failed.log(
                "guessing_limit_reached", receiver=repr(receiver), exception=type(response).__name__
            )
