"""The file of issued codes: mode 0600, written line by line, each on the disk before the code is erased here.

A run that was killed is gone on with: complete lines are kept, and a torn last one is cut off. One run at a time has
the file: another one would write the same codes once more, or cut off a line whose code is erased already.
"""

import csv
import io
import os
from pathlib import Path
from types import TracebackType

from django.core.files import locks

from voucher_payment_gateway.models import VoucherSale
from voucher_payment_gateway.opaque import strip_traceback
from voucher_payment_gateway.sealing import Secret

__all__ = ["COLUMNS", "CodeFile", "FileInUseError", "NotOurFileError"]

COLUMNS = ("key", "voucher_id", "code", "pin", "amount", "currency", "status", "valid_until")
MODE = 0o600


class NotOurFileError(Exception):
    """The file exists and was not written by an earlier run."""


class FileInUseError(Exception):
    """Another run writes to the file."""


class CodeFile:
    """A context manager. ``voucher_ids`` are those of the vouchers that stand in the file."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self.voucher_ids: set[str] = set()

    def __enter__(self) -> "CodeFile":
        flags = os.O_RDWR | os.O_CREAT | os.O_APPEND | getattr(os, "O_NOFOLLOW", 0)
        self._file = os.open(self._path, flags, MODE)
        try:
            self._lock()
            os.fchmod(self._file, MODE)
            self._read()
        except BaseException:
            os.close(self._file)
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, frames: TracebackType | None
    ) -> None:
        os.close(self._file)

    @strip_traceback
    def write(self, sale: VoucherSale, secret: Secret) -> None:
        """Append the voucher, unless it stands there; return once it is on the disk."""
        if sale.voucher_id in self.voucher_ids:
            return
        valid_until = sale.valid_until.isoformat() if sale.valid_until else ""
        self._append(
            [
                *(sale.key, sale.voucher_id, secret.code.reveal(), secret.pin.reveal()),
                *(str(sale.amount), sale.currency, sale.status, valid_until),
            ]
        )
        self.voucher_ids.add(sale.voucher_id)

    def _lock(self) -> None:
        """Hold the file until it is closed, also by a kill."""
        if not locks.lock(self._file, locks.LOCK_EX | locks.LOCK_NB):
            raise FileInUseError(
                f"{self._path.name} is being written by another run: wait until it has ended."
            )

    def _read(self) -> None:
        """Cut off a torn last line, check the header, and read the ids."""
        with os.fdopen(os.dup(self._file), "rb") as file:
            content = file.read()
        whole = content[: content.rfind(b"\n") + 1]
        if content and not (whole or content).startswith(",".join(COLUMNS).encode()[: len(content)]):
            raise NotOurFileError(f"{self._path.name} exists and is not a file of codes: give another name.")
        os.ftruncate(self._file, len(whole))
        if not whole:
            self._append(list(COLUMNS))
            return
        lines = csv.DictReader(io.StringIO(whole.decode()))
        self.voucher_ids = {line["voucher_id"] for line in lines}

    @strip_traceback
    def _append(self, cells: list[str]) -> None:
        line = io.StringIO(newline="")
        csv.writer(line, lineterminator="\n").writerow(cells)
        data = line.getvalue().encode()
        while data:
            data = data[os.write(self._file, data) :]
        os.fsync(self._file)
