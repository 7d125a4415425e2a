"""The environment of the cases: a temporary database, and a forkserver created before the first thread."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import certifi
from django.conf import settings
from django.db import connection
from django.test import override_settings

from tests.mail_settings import mail_settings
from tests.proofs.crash.forkserver import Forkserver
from tests.proofs.storm.bench import database

__all__ = ["world"]


@contextmanager
def world() -> Iterator[Forkserver]:
    """Set up a database and a forkserver, and remove both afterwards.

    ``DEBUG`` is off, as in production: with it Django lets SQLite quote the parameters of each statement.
    """
    with database(), _one_authority(), _mailbox(), override_settings(DEBUG=False), _quiet():
        connection.close()
        forkserver = Forkserver()
        try:
            yield forkserver
        finally:
            forkserver.close()


@contextmanager
def _one_authority() -> Iterator[None]:
    """Trust one certificate authority only: each process reads the file again, and nothing here is encrypted."""
    with TemporaryDirectory() as folder:
        end = "-----END CERTIFICATE-----\n"
        first = Path(certifi.where()).read_text().partition(end)[0] + end
        file = Path(folder) / "authority.pem"
        file.write_text(first)
        # one thread: which point is passed for the second time must not depend on the operating system
        changed = {**settings.VOUCHER_PAYMENT_GATEWAY, "CA_FILE": str(file), "SETTLE_THREADS": 1}
        with override_settings(DEBUG=False, VOUCHER_PAYMENT_GATEWAY=changed):
            yield


@contextmanager
def _mailbox() -> Iterator[None]:
    """Write the mails of all processes to files of one folder."""
    with TemporaryDirectory() as folder:
        backend = "django.core.mail.backends.filebased.EmailBackend"
        with override_settings(**mail_settings(backend, file_path=folder)):
            yield


@contextmanager
def _quiet() -> Iterator[None]:
    before = logging.root.manager.disable
    logging.disable(logging.CRITICAL)
    try:
        yield
    finally:
        logging.disable(before)
