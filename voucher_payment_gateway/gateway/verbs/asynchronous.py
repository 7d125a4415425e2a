"""The async form of a verb that takes a code: it is opaque before another thread and its frames see it."""

from collections.abc import Callable
from typing import Any, ParamSpec, TypeVar

from asgiref.sync import SyncToAsync

from voucher_payment_gateway.opaque import opaque_arguments

__all__ = ["code_to_async"]

P = ParamSpec("P")
T = TypeVar("T")


class CodeToAsync(SyncToAsync[P, T]):
    """``sync_to_async`` for a verb with a ``code``."""

    async def __call__(self, *args: Any, **kwargs: Any) -> T:
        args, kwargs = opaque_arguments(self.func, args, kwargs)
        return await super().__call__(*args, **kwargs)


def code_to_async(verb: Callable[P, T]) -> CodeToAsync[P, T]:
    """Return the async form of ``verb``."""
    return CodeToAsync(verb)
