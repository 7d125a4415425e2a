"""Metrics and traces through OpenTelemetry, where the extra ``telemetry`` is installed; elsewhere nothing is measured.

Only the API of OpenTelemetry is used: what is recorded goes where the shop's own providers send it. Whatever they
raise ends here: no verb and no call is stopped or changed by being measured.
"""

from voucher_payment_gateway.telemetry.spans import Running, counted, counted_if_failed, http_request, verb

__all__ = ["Running", "counted", "counted_if_failed", "http_request", "verb"]
