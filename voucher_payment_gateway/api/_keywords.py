"""Long lists of keyword arguments, written once as a TypedDict and taken by both clients and the call alike."""

import inspect
from collections.abc import Callable, Mapping
from typing import Any, TypeVar, get_type_hints

F = TypeVar("F", bound=Callable[..., Any])


def spells_out(keywords: Any) -> Callable[[F], F]:
    """Give a function that takes ``**arguments: Unpack[keywords]`` a signature that names each of them.

    For ``help``, ``inspect`` and the reference. Where a keyword is not required, its default is None.
    """

    def decorate(function: F) -> F:
        signature = inspect.signature(function)
        own = [each for each in signature.parameters.values() if each.kind is not each.VAR_KEYWORD]
        function.__signature__ = signature.replace(parameters=[*own, *_parameters(keywords)])  # type: ignore[attr-defined]
        return function

    return decorate


def with_defaults(call: str, keywords: Any, given: Mapping[str, object]) -> dict[str, Any]:
    """Return all ``keywords``, None for those left out. Raises TypeError for an unknown or a missing one."""
    if unknown := sorted(given.keys() - keywords.__annotations__.keys()):
        raise TypeError(f"{call}() got an unexpected keyword argument {unknown[0]!r}")
    if missing := sorted(keywords.__required_keys__ - given.keys()):
        raise TypeError(f"{call}() missing a required keyword-only argument: {missing[0]!r}")
    return {**dict.fromkeys(keywords.__annotations__), **given}


def _parameters(keywords: Any) -> list[inspect.Parameter]:
    return [
        inspect.Parameter(
            name,
            inspect.Parameter.KEYWORD_ONLY,
            default=inspect.Parameter.empty if name in keywords.__required_keys__ else None,
            annotation=annotation,
        )
        for name, annotation in get_type_hints(keywords).items()
    ]
