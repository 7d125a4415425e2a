"""Keep values that hold a secret out of pickles, and so out of caches, sessions and task queues."""

from typing import NoReturn


class Unpicklable:
    """Holds a secret in clear: copies in memory are allowed, pickles are not."""

    __slots__ = ()

    def __reduce__(self) -> NoReturn:
        raise TypeError(
            f"{type(self).__name__} holds a secret in clear and cannot be pickled: pass on what it was made from"
        )
