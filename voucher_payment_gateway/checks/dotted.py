"""What a dotted path in the settings names, or why nothing can be done with it."""

from dataclasses import dataclass
from importlib import import_module
from inspect import isclass, iscoroutinefunction, ismodule, isroutine, signature
from pathlib import PurePath
from traceback import extract_tb

from voucher_payment_gateway.settings_wording import QUOTE, did_you_mean

__all__ = ["TAKES_OTHER", "CallableProblem", "Named", "call_problem", "callable_problem", "look_up"]

TAKES_OTHER = "takes other arguments"
KINDS = ((ismodule, "a module"), (isclass, "a class"), (isroutine, "a function"))


@dataclass(frozen=True)
class Named:
    """What a path names; ``problem`` says why it names nothing."""

    value: object = None
    problem: str = ""

    @property
    def what(self) -> str:
        """Why this is not what is needed: it is something else, or nothing."""
        return self.problem or f"it is {_kind(self.value)}"


@dataclass(frozen=True)
class CallableProblem:
    """Why a path does not name what can be called: the name of the message in the catalogue, and its text."""

    message: str
    text: str


def callable_problem(path: str, argument: object, *, returns: str) -> CallableProblem | None:
    """Return why ``path`` names nothing which takes ``argument`` and returns what is needed; None for no path."""
    if not path:
        return None
    found = look_up(path)
    if not callable(found.value):
        return CallableProblem("no_callable", found.what)
    if isinstance(found.value, type):
        return CallableProblem("wrong_call", f"is a class: it returns itself, and no {returns}")
    problem = call_problem(found.value, argument)
    return CallableProblem("wrong_call", problem) if problem else None


def look_up(path: str) -> Named:
    """Import what ``path`` names. Raises nothing: a module that fails is told with its own error."""
    module_name, _, name = path.rpartition(".")
    if not module_name:
        return Named(problem="there is no dot in it")
    try:
        module = import_module(module_name)
    except ModuleNotFoundError as error:
        if error.name is not None and f"{module_name}.".startswith(f"{error.name}."):
            return Named(problem=f"there is no module {error.name!r}")
        return Named(problem=f"{module_name!r} cannot be imported: {_cause(error)}")
    except Exception as error:
        return Named(problem=f"{module_name!r} cannot be imported: {_cause(error)}")
    if hasattr(module, name):
        return Named(getattr(module, name))
    known = [each for each in dir(module) if not each.startswith("_")]
    return Named(problem=f"{module_name!r} has no {name!r}{did_you_mean(name, known, QUOTE)}")


def call_problem(function: object, *arguments: object) -> str:
    """Return why ``function`` cannot be called with ``arguments`` for what it returns, or an empty text."""
    if iscoroutinefunction(function) or iscoroutinefunction(getattr(function, "__call__", None)):  # noqa: B004
        return "is a coroutine function: write it without async"
    try:
        signature(function).bind(*arguments)  # type: ignore[arg-type]
    except TypeError:
        return TAKES_OTHER
    except ValueError:  # written in C, without a signature
        return ""
    return ""


def _kind(value: object) -> str:
    if value is None:
        return "None"
    name = type(value).__name__
    article = "an" if name[0] in "aeiouAEIOU" else "a"
    return next((words for is_one, words in KINDS if is_one(value)), f"{article} {name}")


def _cause(error: Exception) -> str:
    """Return what failed. The texts of other errors than these may quote a secret, so only their place is told."""
    kind = type(error).__name__
    if isinstance(error, ImportError | SyntaxError):
        return f"{kind}: {error}"
    place = extract_tb(error.__traceback__)[-1]
    return f"{kind} in {PurePath(place.filename).name}, line {place.lineno}"
