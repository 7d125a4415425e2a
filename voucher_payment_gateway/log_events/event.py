"""One fact that is logged: its name, its level, its sentence for people, and its fields for programs."""

import logging
import re
from decimal import Decimal
from typing import Final

__all__ = ["DERIVED", "EVENT_FIELD", "PACKAGE", "LogEvent"]

PACKAGE: Final = "voucher_payment_gateway"

EVENT_FIELD: Final = "voucher_event"
"""The attribute of a log record that holds the name of its event."""

DERIVED: Final = ("words", "of_account", "and_account")
"""Parts of a sentence that are no fields."""


class LogEvent:
    """A fact by the name of the attribute that holds it. ``text`` has its fields as ``%(field)s``; ``more`` names those
    that only programs read.

    No field holds a code, a PIN, a token or another secret, nor an error's text that may quote one.
    """

    name: str

    def __init__(
        self, level: int, text: str, *more: str, logger: str = PACKAGE, traceback: bool = False
    ) -> None:
        self.level, self.text, self.logger, self.traceback = level, text, logger, traceback
        self._logger = logging.getLogger(logger)
        named = (*re.findall(r"%\((\w+)\)", text), *more)
        self.fields = tuple(dict.fromkeys(name for name in named if name not in DERIVED))

    def __set_name__(self, owner: type, name: str) -> None:
        self.name = name

    def log(self, words: str = "", /, **facts: object) -> None:
        """Log the event with its fields: texts, whole numbers, lists of texts, or None; an amount becomes text.
        ``words`` stand in the sentence alone."""
        logger = self._logger
        if not logger.isEnabledFor(self.level):
            return
        fields = {name: _plain(value) for name, value in facts.items()}
        account = fields.get("account")
        said = fields | {
            "words": words,
            "of_account": f" of the account {account!r}" if account else "",
            "and_account": f", account {account}" if account else "",
        }
        logger.log(
            self.level,
            self.text,
            said,
            exc_info=self.traceback,
            extra={EVENT_FIELD: self.name, **fields},
            stacklevel=2,
        )


def _plain(value: object) -> object:
    return str(value) if isinstance(value, Decimal) else value
