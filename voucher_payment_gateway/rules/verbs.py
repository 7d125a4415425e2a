"""The verbs that a shop's signals and statuses can drive."""

from typing import Final, Literal

__all__ = ["DRIVEN_VERBS", "Verb"]

Verb = Literal["authorize", "capture", "refund", "cancel", "issue", "activate", "take_back"]

DRIVEN_VERBS: Final[tuple[Verb, ...]] = (
    *("authorize", "capture", "take_back", "refund", "cancel", "issue", "activate"),
)
"""In the order in which one status or signal runs them: a sold voucher is taken back before its payment is refunded."""
