"""What a day may emphasise, so that rare situations become frequent."""

from dataclasses import dataclass, field
from typing import Any

__all__ = ["NO_EMPHASIS", "Emphasis"]


@dataclass(frozen=True)
class Emphasis:
    """Overrides of what the seed draws, to make rare situations frequent; None leaves a value to the seed."""

    faults: tuple[str, ...] | None = None
    """Faults for half of the calls that book."""
    where: tuple[str, str, float] | None = None
    """Method, path and rate of these faults, where they are to be for other calls."""
    behaviour: dict[str, Any] = field(default_factory=dict)
    freeze_rate: float | None = None
    doubled_rate: float | None = None
    mail_rate: float | None = None
    """The rate at which the mail server refuses a mail."""
    verbs: dict[str, int] | None = None
    """The weights of what the people do. A day with these falls back only where ``settings`` say so."""
    meanwhile: dict[str, int] | None = None
    """The weights of the other workers' calls while one worker is frozen."""
    settings: dict[str, Any] = field(default_factory=dict)
    """Settings of the shop."""
    sells: bool | None = None
    """Whether the shop sells vouchers."""
    pauses: tuple[float, ...] | None = None
    """Seconds between two calls, and by which the sweep is late."""


NO_EMPHASIS = Emphasis()
