"""The access token: one request serves all callers, it is renewed before it expires and dropped when rejected.

``POST /oauth/token`` at the root of the host (not under ``/v1``), grant ``client_credentials``. The lifetime
is not documented: ``expires_in`` is honoured where it is given, and a 401 drops the rejected token at once.
No failure here moves money: the call that needed the token was not sent.
"""

import copy
import time
from typing import Protocol
from urllib.parse import urlencode

from voucher_payment_gateway.api._auth.grant import token_answer
from voucher_payment_gateway.api._auth.shared_token import BoundedCall, SharedToken
from voucher_payment_gateway.api._config import Settings
from voucher_payment_gateway.api._steps import HEADERS, Acquire, Deadline, Flow, Outgoing, Send
from voucher_payment_gateway.api._tokens import CachedToken, Token
from voucher_payment_gateway.api.arguments import MAX_SECRET_LENGTH, credential
from voucher_payment_gateway.exceptions import CredentialsError, UnavailableError, VoucherGatewayError
from voucher_payment_gateway.log_events import ApiEvents

RENEWAL_RETRY_SECONDS = 15.0
BELIEVED_SECONDS = 60.0


def _bare(secret: object) -> str:
    """Return the secret as it is sent, or "" where it cannot be."""
    try:
        return credential(secret, MAX_SECRET_LENGTH) if isinstance(secret, str) else ""
    except ValueError:
        return ""


class Releasable(Protocol):
    """The lock of the token, of threads or of tasks: acquired by the driver, released here."""

    def release(self) -> None: ...


class TokenKeeper:
    """Holds the token of one client. Every method is a flow, which the sync or the async driver runs."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._shared = SharedToken(settings.token_store)
        self._secret_call = BoundedCall()
        self._cached: CachedToken | None = None
        self._rejected = ""
        self._failed_at = 0.0
        self._failure: VoucherGatewayError | None = None
        self._no_renewal_before = 0.0
        self._refused_when_new = ""
        self._believed_until = 0.0

    def obtain(self, lock: Releasable, deadline: Deadline) -> Flow[Token | VoucherGatewayError]:
        """Return a valid token; without a request where one is cached."""
        cached = self._cached
        if cached is None or not cached.is_usable():
            return (yield from self._obtain_first(lock, deadline))
        if cached.is_due_for_renewal() and time.monotonic() >= self._no_renewal_before:
            return (yield from self._renew(cached, lock, deadline))
        return cached.token

    def reject(self, token: Token, deadline: Deadline) -> Flow[None]:
        """Drop this token, here and in the store. A newer one that another caller requested stays."""
        self._rejected = token.value
        if self._cached is not None and self._cached.token.value == token.value:
            self._cached = None
        yield from self._shared.forget(token, deadline)

    def note_refused_when_new(self, token: Token) -> None:
        """Keep a token that was requested after a 401 and answered by another: it is not the token that is refused."""
        self._refused_when_new, self._believed_until = token.value, time.monotonic() + BELIEVED_SECONDS

    def may_have_ended(self, token: Token) -> bool:
        """Return whether a 401 may be about this token: a new one is requested then. For a minute, not if it was
        refused when it was new: the API may answer 401 to a wrong PIN, which must not cost more calls than others."""
        is_believed = time.monotonic() < self._believed_until
        return not (is_believed and token.value == self._refused_when_new)

    def _obtain_first(self, lock: Releasable, deadline: Deadline) -> Flow[Token | VoucherGatewayError]:
        asked_at = time.monotonic()
        if not (yield Acquire(max(0.0, deadline.remaining_seconds()))):
            return UnavailableError(code="token_wait")
        try:
            if self._cached is not None and self._cached.is_usable():
                return self._cached.token
            if self._failure is not None and self._failed_at > asked_at:
                # A caller that waited during a failed request shares its error, else all waiters would ask in turn.
                return copy.copy(self._failure)
            found = yield from self._load_or_request(deadline)
            if isinstance(found, VoucherGatewayError) and found.code == found.default_code:
                self._failure, self._failed_at = found, time.monotonic()
            return found
        finally:
            lock.release()

    def _renew(
        self, cached: CachedToken, lock: Releasable, deadline: Deadline
    ) -> Flow[Token | VoucherGatewayError]:
        """One caller renews, within half of its time. The others use the valid token, as it does if that fails."""
        if not (yield Acquire(0.0)):
            return cached.token
        try:
            if self._cached is not None and self._cached is not cached:
                return self._cached.token
            found = yield from self._load_or_request(deadline.halfway())
        finally:
            lock.release()
        if isinstance(found, Token):
            return found
        self._no_renewal_before = time.monotonic() + RENEWAL_RETRY_SECONDS
        if self._cached is None:  # rejected in the meantime
            return found
        ApiEvents.token_not_renewed.log(error_code=found.code)
        return self._cached.token

    def _load_or_request(self, deadline: Deadline) -> Flow[Token | VoucherGatewayError]:
        try:
            shared = yield from self._load_shared(deadline)
            if shared is not None:
                self._cached = shared
                return shared.token
            found = yield from self._request(deadline)
        except BaseException:
            # This flow is being closed: no other process may wait for a token that is not coming.
            self._shared.give_up_beside()
            raise
        if isinstance(found, Token):
            self._cached = CachedToken.of(found)
            yield from self._shared.save(found, deadline)
        else:
            yield from self._shared.give_up(deadline)
        return found

    def _load_shared(self, deadline: Deadline) -> Flow[CachedToken | None]:
        cached = yield from self._shared.load(deadline)
        if cached is None or cached.token.value == self._rejected:
            return None
        known = self._cached is not None and self._cached.token.value == cached.token.value
        return None if known else cached

    def _request(self, deadline: Deadline) -> Flow[Token | VoucherGatewayError]:
        secret: object = self._settings.client_secret
        if callable(secret):
            secret = yield from self._secret_call.ask(secret, deadline.remaining_seconds())
            if isinstance(secret, BaseException):
                ApiEvents.client_secret_unreadable.log(exception=type(secret).__name__)
                return UnavailableError(code="client_secret")
        bare = _bare(secret)
        if not bare:
            return CredentialsError(code="client_secret")
        return token_answer((yield Send(self._token_request(bare), deadline)))

    def _token_request(self, secret: str) -> Outgoing:
        form = {
            "grant_type": "client_credentials",
            "client_id": self._settings.client_id,
            "client_secret": secret,
        }
        if self._settings.client_type:
            form["client_type"] = self._settings.client_type
        headers = {**HEADERS, "Content-Type": "application/x-www-form-urlencoded"}
        content = urlencode(form).encode("ascii")
        return Outgoing("POST", self._settings.token_url, headers, content, "POST /oauth/token")
