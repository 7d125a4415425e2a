"""The figures of the walkthrough: each must be the expected one."""

__all__ = ["WrongFigureError", "must_be"]


class WrongFigureError(Exception):
    """A figure differs from the expected one."""


def must_be(name: str, actual: object, expected: object) -> None:
    """Raise WrongFigureError unless ``actual`` is ``expected``."""
    if actual != expected:
        raise WrongFigureError(f"{name} is {actual}, not {expected}")
