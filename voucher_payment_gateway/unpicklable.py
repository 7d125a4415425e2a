"""Values that hold a secret are kept out of every pickle, and so out of caches, sessions and task queues."""

from typing import NoReturn


class Unpicklable:
    """Holds a secret in clear: it may be copied in memory, never written out by ``pickle``."""

    __slots__ = ()

    def __reduce__(self) -> NoReturn:
        raise TypeError(
            f"{type(self).__name__} holds a secret in clear and cannot be pickled: pass on what it was made from"
        )
