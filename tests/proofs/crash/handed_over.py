"""What has left the shop: the mails of all processes, and the file of codes of a batch. They share one folder."""

import csv
from pathlib import Path

from django.conf import settings

__all__ = ["codes_file", "delete_all", "lines_of_codes", "mails", "order_file"]

BETWEEN_MAILS = "-" * 79


def order_file() -> Path:
    """Return the file that says what the batch is to have."""
    return _folder() / "vouchers.csv"


def codes_file() -> Path:
    """Return the file that the codes of the batch are written to."""
    return _folder() / "codes.csv"


def mails() -> list[str]:
    """Return every mail that was sent."""
    files = [file for file in _folder().iterdir() if file.suffix != ".csv"]
    return [mail for file in files for mail in file.read_text().split(BETWEEN_MAILS) if mail.strip()]


def lines_of_codes() -> list[dict[str, str]]:
    """Return the lines of the file of codes."""
    if not codes_file().exists():
        return []
    with codes_file().open(newline="") as file:
        return list(csv.DictReader(file))


def delete_all() -> None:
    for file in _folder().iterdir():
        file.unlink()


def _folder() -> Path:
    return Path(settings.EMAIL_FILE_PATH)
