"""The behaviour of the Voucher Cloud of a day: a random combination of all its switches."""

from random import Random

from voucher_payment_gateway.sandbox import Behaviour

__all__ = ["MEANINGS", "drawn"]

MEANINGS = {
    "balance": ("GIFT.TOO_LITTLE", "insufficient_balance"),
    "closed": ("GIFT.RESERVATION_OVER", "reservation_closed"),
    "charged": ("GIFT.CHARGED", "reservation_closed"),
    "unusable": ("GIFT.UNUSABLE", "unusable"),
    "pin": ("GIFT.PIN", "unusable"),
}
"""Error codes of a Voucher Cloud that names its reasons, and the meaning that an operator has configured."""


def drawn(seed: int) -> Behaviour:
    """Return the combination of a day. Some name the reason of a refusal, some lock a voucher after wrong PINs."""
    random = Random(f"switches {seed}")
    names = {reason: code for reason, (code, _) in MEANINGS.items()}
    return Behaviour.random(seed).but(
        code_names=random.choice(({}, {}, {}, names)), wrong_pins_until_locked=random.choice((0, 0, 0, 2))
    )
