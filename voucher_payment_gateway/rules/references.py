"""The order number that is sent with a charge."""

__all__ = ["charge_reference"]


def charge_reference(order_number: str, capture: int, token: str) -> str:
    """Return the number sent with the ``capture``-th charge of an order.

    It begins with the shop's own, so that people find it. The random ``token`` keeps it apart from those of another
    shop that numbers its orders alike, and from an order that is really named so. It is made once per capture, written
    down before the call, and kept for every repetition: a remote that enforces uniqueness then protects us.
    """
    return f"{order_number}-{capture}.{token}"
