"""What a check found."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Literal

__all__ = ["Finding", "State", "age"]

State = Literal["ok", "warning", "trouble", "not known"]

UNITS = (("day", 86400), ("hour", 3600), ("minute", 60), ("second", 1))


@dataclass(frozen=True)
class Finding:
    """One line of the doctor. ``text`` is for people and holds no secret."""

    check: str
    state: State
    text: str


def age(lasting: timedelta) -> str:
    """Return a duration in its largest unit: ``"3 hours"``."""
    seconds = max(0, int(lasting.total_seconds()))
    name, length = next(unit for unit in UNITS if seconds >= unit[1] or unit is UNITS[-1])
    count = seconds // length
    return f"{count} {name}{'' if count == 1 else 's'}"
