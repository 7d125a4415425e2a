"""The finding of an experiment, and how it is printed."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from voucher_payment_gateway.conf import ApiBehaviour
from voucher_payment_gateway.exceptions import CredentialsError, VoucherGatewayError
from voucher_payment_gateway.management.probe.session import Session

__all__ = ["Experiment", "Finding", "Value", "api_behaviour", "error_meanings", "failure_text", "format_line"]

Value = str | bool | int | float
Experiment = Callable[[Session], tuple[Value | None, str]]
"""Makes calls in a session; returns the observed value and how it was observed. None: not determined, and why."""


@dataclass(frozen=True)
class Finding:
    """One line of the table."""

    name: str
    value: Value | None
    text: str
    is_behaviour: bool = False
    """Whether the name is a key of ``API_BEHAVIOUR``."""
    codes: frozenset[str] = frozenset()
    """The API's error codes that every attempt was answered with."""
    meaning: str = ""
    """The meaning of these codes, a value of ``ERROR_MEANINGS``; empty where they have none."""


def failure_text(error: VoucherGatewayError | ValueError) -> str:
    """Return why an experiment failed."""
    if isinstance(error, CredentialsError) and error.missing_scope:
        return f"the client lacks the right {error.missing_scope}"
    if isinstance(error, ValueError):
        return str(error)
    status = f" (status {error.http_status})" if error.http_status else ""
    return f"{type(error).__name__}{status}: {error}"


def format_line(finding: Finding) -> str:
    """Return the line of the table."""
    value = "not known" if finding.value is None else str(finding.value)
    return f"{finding.name:<34}{value:<14}{finding.text}"


def api_behaviour(findings: Iterable[Finding]) -> str:
    """Return the ``API_BEHAVIOUR`` to paste. It holds only observed values."""
    observed = {each.name: each.value for each in findings if each.is_behaviour and each.value is not None}
    ApiBehaviour.model_validate(observed)
    return _assignment("API_BEHAVIOUR", observed)


def error_meanings(findings: Iterable[Finding]) -> str:
    """Return the ``ERROR_MEANINGS`` to paste: the codes that were seen with one meaning only."""
    meanings: dict[str, set[str]] = {}
    for finding in findings:
        for code in finding.codes:
            meanings.setdefault(code, set()).add(finding.meaning)
    certain = {code: found.pop() for code, found in sorted(meanings.items()) if len(found) == 1}
    return _assignment("ERROR_MEANINGS", certain)


def _assignment(name: str, values: Mapping[str, Value]) -> str:
    if not values:
        return f"{name} = {{}}"
    lines = "".join(f'    "{key}": {_literal(value)},\n' for key, value in values.items())
    return f"{name} = {{\n{lines}}}"


def _literal(value: object) -> str:
    return f'"{value}"' if isinstance(value, str) else repr(value)
