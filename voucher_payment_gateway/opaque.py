"""Secrets in memory that no error report shows: reports print the variables of every function with ``repr``."""

import functools
import inspect
from collections.abc import Callable, Coroutine
from typing import Any, ParamSpec, TypeVar

from voucher_payment_gateway.unpicklable import Unpicklable

__all__ = [
    "HiddenText",
    "Opaque",
    "opaque_arguments",
    "opaque_code",
    "strip_traceback",
    "strip_traceback_async",
]

P = ParamSpec("P")
T = TypeVar("T")

NAMES = ("code", "pin")
"""The parameters that hold a secret, wherever a function of this package has them."""

CODE_OR_ROW = "code_or_sale"
"""The parameter of a verb that takes a code, or a row that stands for the voucher: only a text is a secret."""


class Opaque(Unpicklable):
    """A code or a PIN. ``repr``, ``str`` and ``format`` show nothing of it, and it cannot be pickled.

    Read it with ``reveal()`` where it is used, and never into a variable: the frame of an error may be printed.
    """

    __slots__ = ("__text",)

    def __init__(self, text: "str | Opaque" = "") -> None:
        self.__text: str = text.__text if isinstance(text, Opaque) else text

    def reveal(self) -> str:
        """Return the text."""
        return self.__text

    def __repr__(self) -> str:
        return "<hidden>"

    def __format__(self, _: str) -> str:
        return repr(self)

    def __bool__(self) -> bool:
        return bool(self.__text)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Opaque) and self.__text == other.__text

    def __hash__(self) -> int:
        return hash((Opaque, self.__text))

    def __copy__(self) -> "Opaque":
        return self

    def __deepcopy__(self, _: object) -> "Opaque":
        return self


class HiddenText(Unpicklable, str):
    """A code or PIN for templates and receivers of the shop, which need a text: ``repr``, by which error reports show
    the variables of a frame, shows nothing of it. ``str`` and ``format`` return the text. It cannot be pickled."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "<hidden>"

    def __copy__(self) -> "HiddenText":
        return self

    def __deepcopy__(self, _: object) -> "HiddenText":
        return self


def opaque_code(function: Callable[P, T]) -> Callable[P, T]:
    """Call the function with its ``code`` and ``pin`` made opaque, so no frame from here on holds them as text."""

    @functools.wraps(function)
    def with_opaque_code(*args: Any, **kwargs: Any) -> T:
        args, kwargs = opaque_arguments(function, args, kwargs)
        return function(*args, **kwargs)

    return with_opaque_code


def opaque_arguments(
    function: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]
) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """Return the arguments for ``function``, with those that stand for a code or a PIN made opaque. What is given by
    position and must be named is a mistake of the caller, perhaps the PIN."""
    named = _positional(function)
    by_position = [_hidden(name, value) for name, value in zip(named, args, strict=False)]
    by_keyword = {name: _hidden(name, value) for name, value in kwargs.items()}
    return (*by_position, *map(Opaque, args[len(named) :])), by_keyword


def _hidden(name: str, value: Any) -> Any:
    is_secret = name in NAMES or (name == CODE_OR_ROW and isinstance(value, str))
    return Opaque(value) if is_secret else value


@functools.cache
def _positional(function: Callable[..., Any]) -> tuple[str, ...]:
    """Return the names of the parameters that may be given by position."""
    parameters = inspect.signature(function).parameters.values()
    return tuple(each.name for each in parameters if each.kind is each.POSITIONAL_OR_KEYWORD)


def strip_traceback(method: Callable[P, T]) -> Callable[P, T]:
    """Strip the tracebacks of a function whose frames hold codes or secrets in clear: error reports print them.

    Of every exception: a server that stops its worker raises SystemExit wherever it is. The keywords ``code`` and
    ``pin`` become opaque, since some reports show the frames of a line in the log, too.
    """

    @functools.wraps(method)
    def guarded(*args: P.args, **kwargs: P.kwargs) -> T:
        _hide(kwargs)
        try:
            return method(*args, **kwargs)
        except BaseException as error:
            del args, kwargs
            raise error.with_traceback(None) from None

    return guarded


def strip_traceback_async(method: Callable[P, Coroutine[Any, Any, T]]) -> Callable[P, Coroutine[Any, Any, T]]:
    """The same for a coroutine."""

    @functools.wraps(method)
    async def guarded(*args: P.args, **kwargs: P.kwargs) -> T:
        _hide(kwargs)
        try:
            return await method(*args, **kwargs)
        except BaseException as error:
            del args, kwargs
            raise error.with_traceback(None) from None

    return guarded


def _hide(kwargs: dict[str, Any]) -> None:
    for name in NAMES:
        if kwargs.get(name) is not None:
            kwargs[name] = Opaque(kwargs[name])
