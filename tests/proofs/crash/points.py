"""The numbered crash points: their lines in the gateway, and the passing at which a process is killed.

A comment ``# K7: …`` in ``voucher_payment_gateway/gateway`` marks the line of code after it. K8, a request in
flight, is no line of ours: there the Voucher Cloud kills the process when the request arrives.
"""

import re
from dataclasses import dataclass
from pathlib import Path

from voucher_payment_gateway import gateway

__all__ = ["NAMES", "PLACES", "REQUEST_SENT", "Passing", "place_name"]

REQUEST_SENT = "K8"
_MARK = re.compile(r"\s*# (K\d+): ")
_FOLDER = Path(gateway.__file__).parent


@dataclass(frozen=True)
class Passing:
    """The ``time``-th time that a process passes a point; written ``K4``, or ``K4.2`` from the second time on."""

    point: str
    time: int = 1

    def __str__(self) -> str:
        return self.point if self.time == 1 else f"{self.point}.{self.time}"

    @classmethod
    def read(cls, text: str) -> "Passing":
        """Parse ``str(passing)``. Raises ValueError for an unknown point."""
        point, _, time = text.partition(".")
        if point not in NAMES:
            raise ValueError(f"{point} is no crash point; there are {', '.join(NAMES)}.")
        return cls(point, int(time or 1))


def _places() -> dict[tuple[str, int], str]:
    """Return the crash points by file and line."""
    found = {}
    for path in _FOLDER.rglob("*.py"):
        lines = path.read_text().splitlines()
        for index, line in enumerate(lines):
            if mark := _MARK.match(line):
                found[str(path), _next_code(lines, index)] = mark[1]
    return found


def _next_code(lines: list[str], index: int) -> int:
    """Return the number of the first line of code after a comment."""
    while not (text := lines[index].strip()) or text.startswith("#"):
        index += 1
    return index + 1


def place_name(place: tuple[str, int]) -> str:
    """Return the point at a place, its file and its line."""
    file, line = place
    return f"{PLACES[place]} {Path(file).relative_to(_FOLDER)}:{line}"


PLACES = _places()
NAMES = sorted({*PLACES.values(), REQUEST_SENT}, key=lambda name: int(name[1:]))
