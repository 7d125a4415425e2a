"""Where cells are played: a database of its own, and a nursery that was made before the first thread."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import certifi
from django.conf import settings
from django.db import connection
from django.test import override_settings

from tests.proofs.crash.forkserver import Nursery
from tests.proofs.storm.bench import database

__all__ = ["world"]


@contextmanager
def world() -> Iterator[Nursery]:
    """Set up a database and a nursery, and remove both afterwards.

    Without ``DEBUG``, as in production: with it Django has SQLite quote the parameters of each statement.
    """
    with database(), _one_authority(), override_settings(DEBUG=False), _quiet():
        connection.close()
        nursery = Nursery()
        try:
            yield nursery
        finally:
            nursery.close()


@contextmanager
def _one_authority() -> Iterator[None]:
    """Trust one certificate authority, not all: each process reads them anew, and nothing here is encrypted."""
    with TemporaryDirectory() as folder:
        end = "-----END CERTIFICATE-----\n"
        first = Path(certifi.where()).read_text().partition(end)[0] + end
        file = Path(folder) / "authority.pem"
        file.write_text(first)
        with override_settings(
            DEBUG=False, VOUCHER_PAYMENT_GATEWAY={**settings.VOUCHER_PAYMENT_GATEWAY, "CA_FILE": str(file)}
        ):
            yield


@contextmanager
def _quiet() -> Iterator[None]:
    before = logging.root.manager.disable
    logging.disable(logging.CRITICAL)
    try:
        yield
    finally:
        logging.disable(before)
