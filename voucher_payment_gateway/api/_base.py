"""The common part of both clients: arguments, token, and errors without secrets in their traceback."""

import os
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Generic, NoReturn, Self, TypeVar

from voucher_payment_gateway.api._auth.keeper import TokenKeeper
from voucher_payment_gateway.api._config import PRODUCTION, ClientSecret, checked
from voucher_payment_gateway.api._flow import CallFlow
from voucher_payment_gateway.api._interpret import Meaning
from voucher_payment_gateway.api._limits.gate import Gate
from voucher_payment_gateway.api._tokens import TokenStore
from voucher_payment_gateway.api.limits import Limits
from voucher_payment_gateway.opaque import strip_traceback

AnyTransport = TypeVar("AnyTransport")

session_guard = threading.Lock()


def _renew_session_guard() -> None:
    """A lock that another thread held during the fork would stay locked in the child."""
    global session_guard
    session_guard = threading.Lock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_renew_session_guard)


class Client(Generic[AnyTransport]):
    """The checked arguments of a client, and its token."""

    @strip_traceback
    def __init__(
        self,
        *,
        client_id: str,
        client_secret: ClientSecret,
        base_url: str = PRODUCTION,
        token_url: str | None = None,
        client_type: str | None = None,
        timeout_seconds: float = 5.0,
        deadline_seconds: float = 15.0,
        transport: AnyTransport | None = None,
        token_store: TokenStore | None = None,
        error_meanings: Mapping[str, Meaning] | None = None,
        ca_file: str | Path | None = None,
        proxy_url: str | None = None,
        limits: Limits | None = None,
    ) -> None:
        settings = checked(
            client_id=client_id,
            client_secret=client_secret,
            base_url=base_url,
            token_url=token_url,
            client_type=client_type,
            timeout_seconds=timeout_seconds,
            deadline_seconds=deadline_seconds,
            token_store=token_store,
            error_meanings=error_meanings,
            ca_file=ca_file,
            proxy_url=proxy_url,
            limits=limits,
        )
        gate = None if settings.limits is None else Gate(settings.limits)
        self._flow = CallFlow(settings, TokenKeeper(settings), gate)
        self._transport = transport
        self._closed = False

    @classmethod
    def unconnected(
        cls,
        *,
        base_url: str = PRODUCTION,
        timeout_seconds: float = 5.0,
        deadline_seconds: float = 15.0,
        transport: AnyTransport | None = None,
        ca_file: str | Path | None = None,
        proxy_url: str | None = None,
    ) -> Self:
        """Return a client without credentials, for ``connect`` alone.

        Every other call raises CredentialsError; nothing is sent.
        """
        return cls(
            client_id="unconnected",
            client_secret=_no_secret,
            base_url=base_url,
            timeout_seconds=timeout_seconds,
            deadline_seconds=deadline_seconds,
            transport=transport,
            ca_file=ca_file,
            proxy_url=proxy_url,
        )

    def openings(self) -> int:
        """Return how often a failure has opened the circuit of ``limits``, or kept it open, in this process. Asks
        nobody, raises nothing, and moves no money."""
        gate = self._flow.gate
        return 0 if gate is None else gate.openings()

    def has_failed_since(self, openings: int) -> bool:
        """Return whether the circuit is open, so that one call at a time is sent, and a failure has shown it to this
        process since ``openings()`` was read. Asks nobody, raises nothing, and moves no money."""
        gate = self._flow.gate
        return gate is not None and gate.has_failed_since(openings)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self._flow.settings.base_url!r})"

    def __reduce__(self) -> NoReturn:
        raise TypeError(
            f"{type(self).__name__} holds a secret and connections: it cannot be pickled or copied"
        )


def _no_secret() -> str:
    return ""
