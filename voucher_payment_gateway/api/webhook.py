"""One POST to an address of the shop's own, over the sockets of the client: within a deadline however slowly the answer
arrives, without redirects, cookies or proxies of the environment."""

from voucher_payment_gateway.api._http.transport import SyncSender
from voucher_payment_gateway.api._steps import HEADERS, Answer, Deadline, Outgoing

__all__ = ["DEADLINE_SECONDS", "TIMEOUT_SECONDS", "post"]

TIMEOUT_SECONDS = 5.0
"""Timeout of one wait for the network."""

DEADLINE_SECONDS = 10.0
"""Timeout of the whole call."""


def post(url: str, headers: dict[str, str], content: bytes) -> int | None:
    """Send ``content``, and return the status of the answer; None where no complete answer came, and it was perhaps
    taken."""
    request = Outgoing("POST", url, HEADERS | headers, content)
    sender = SyncSender(None, TIMEOUT_SECONDS, "")
    try:
        outcome = sender.send(request, Deadline.after(DEADLINE_SECONDS))
    finally:
        sender.close()
    return outcome.status if isinstance(outcome, Answer) else None
