"""What follows a charge that was refused for good."""

from typing import Literal

__all__ = ["after_refused_charge"]

CHARGES_PER_CAPTURE = 2
"""A refused charge is followed by one more on a new reservation, then the payment has failed."""


def after_refused_charge(
    *, sends: int, refused: int, has_code: bool, cancelling: bool, hold_is_usable: bool
) -> Literal["charge_again", "fail", "leave"]:
    """Decide what becomes of the payment after a refusal.

    ``sends``: how often the charge was sent; none where the new reservation before it was refused. ``refused``: how
    many charges of the payment were refused, this one included. One is charged again on a new reservation: the old
    one may have been lost to another till, and two orders must not evict each other for ever. ``leave``: the hold is
    as good as before, or somebody is cancelling the payment anyway.
    """
    if sends and refused < CHARGES_PER_CAPTURE and has_code and not cancelling:
        return "charge_again"
    if cancelling or (not sends and hold_is_usable):
        return "leave"
    return "fail"
