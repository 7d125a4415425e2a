"""Sentry as a shop has it, with a transport that keeps what it would send."""

import json
import warnings
from contextlib import contextmanager

import sentry_sdk
from sentry_sdk.scope import Scope, ScopeType, use_isolation_scope, use_scope
from sentry_sdk.transport import Transport


class Outbox(Transport):
    """Keeps every envelope as text, in place of sending it."""

    def __init__(self, options=None):
        super().__init__(options)
        self.events = []

    def capture_envelope(self, envelope):
        for item in envelope.items:
            event = item.get_event() or item.get_transaction_event()
            if event is not None:
                self.events.append(event)

    @property
    def text(self):
        return json.dumps(self.events, ensure_ascii=False, default=repr)


@contextmanager
def own_scopes():
    """Run the block with new scopes: those of this thread may remember the request of an earlier test."""
    with use_isolation_scope(Scope(ty=ScopeType.ISOLATION)), use_scope(Scope(ty=ScopeType.CURRENT)):
        yield


@contextmanager
def sentry(**options):
    """Run the block with Sentry; without ``options`` with its defaults."""
    outbox = Outbox()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # options that many shops still use
        sentry_sdk.init(dsn="https://key@sentry.example/1", transport=outbox, **options)
    try:
        with own_scopes():
            yield outbox
            sentry_sdk.flush()
    finally:
        sentry_sdk.get_client().close(timeout=0)
        sentry_sdk.init()
