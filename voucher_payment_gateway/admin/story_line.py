"""One line of the staff's story."""

from dataclasses import dataclass, field
from datetime import datetime

__all__ = ["StoryLine"]


@dataclass(frozen=True)
class StoryLine:
    """One step. ``text`` is a sentence; ``facts`` are labels and values, such as ids, none of them a code.

    ``tone`` is ``done``, ``open``, ``attention``, ``refused`` or ``none``, for its colour beside the words. ``actor``
    is empty where the shop's software acted.
    """

    at: datetime
    text: str
    tone: str = "none"
    actor: str = ""
    reason: str = ""
    facts: list[tuple[str, str]] = field(default_factory=list)
    anchor: str = ""
