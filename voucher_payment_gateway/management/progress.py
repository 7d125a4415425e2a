"""A progress bar on a terminal, and no output elsewhere."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Never, TextIO

try:
    from tqdm import tqdm
except ImportError:  # the extra "progress" is not installed
    tqdm = None  # type: ignore[assignment,misc]

__all__ = ["Progress", "progress_on"]

Progress = Callable[[int, int], None]
"""Called with the number done and the total."""


@contextmanager
def progress_on(stream: TextIO, unit: str) -> Iterator[Progress | None]:
    """Provide a function that shows progress; None where ``stream`` is no terminal."""
    if not stream.isatty():
        yield None
    elif tqdm is None:
        yield lambda done, total: _say(stream, f"\r{done} of {total} {unit}")
        _say(stream, "\n")
    else:
        with tqdm(unit=f" {unit}", file=stream, leave=False) as bar:
            yield lambda done, total: _advance(bar, done, total)


def _say(stream: TextIO, text: str) -> None:
    stream.write(text)
    stream.flush()


def _advance(bar: "tqdm[Never]", done: int, total: int) -> None:
    bar.total = total
    bar.update(done - bar.n)
    bar.refresh()
