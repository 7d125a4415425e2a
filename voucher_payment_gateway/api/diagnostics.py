"""What the commands for operators need of the HTTP library: the probe records, the doctor looks through the proxy."""

from voucher_payment_gateway.api._http.recording_transport import RecordingTransport
from voucher_payment_gateway.api._http.through_proxy import (
    CertificatesError,
    ProxyRefusedError,
    ProxyUnreachableError,
    read_date_through,
    trusted_context,
)
from voucher_payment_gateway.api._http.transport import Transport

__all__ = [
    "CertificatesError",
    "ProxyRefusedError",
    "ProxyUnreachableError",
    "RecordingTransport",
    "Transport",
    "read_date_through",
    "trusted_context",
]
