"""What the package logs: one event for each fact, with its level, its sentence and its fields.

Nothing else in the package logs. docs/reference/log-events.md is compared with these tables.
"""

from voucher_payment_gateway.log_events.event import LogEvent
from voucher_payment_gateway.log_events.oscar import OscarEvents
from voucher_payment_gateway.log_events.payments import PaymentEvents
from voucher_payment_gateway.log_events.running import ApiEvents, RunningEvents, SandboxEvents
from voucher_payment_gateway.log_events.sales import SaleEvents
from voucher_payment_gateway.log_events.trouble import TroubleEvents

__all__ = [
    "ApiEvents",
    "LogEvent",
    "OscarEvents",
    "PaymentEvents",
    "RunningEvents",
    "SaleEvents",
    "SandboxEvents",
    "TroubleEvents",
]
