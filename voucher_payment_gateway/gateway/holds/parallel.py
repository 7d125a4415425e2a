"""Do something for several payments at the same time: the calls of one order, made before anything is written."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

__all__ = ["in_parallel"]

MAX_PARALLEL = 8
"""Maximum number of reservations of one order that are requested at the same time."""

Given = TypeVar("Given")
Got = TypeVar("Got")


def in_parallel(do: Callable[[Given], Got], all_of_them: list[Given]) -> None:
    """Call ``do`` for each, in threads where there are several."""
    at_once = min(len(all_of_them), MAX_PARALLEL)
    if at_once > 1:
        with ThreadPoolExecutor(at_once) as pool:
            list(pool.map(do, all_of_them))
        return
    for one in all_of_them:
        do(one)
