"""The mail server of a day: it takes a mail, fails before or after it took one, or the worker crashes meanwhile."""

from collections import Counter
from typing import Any

from django.core.mail.backends.base import BaseEmailBackend

from tests.proofs.storm.faults import FaultInjector

__all__ = ["Mailbox"]

OPEN: list[tuple[FaultInjector, Counter[str]]] = []
"""The faults of the day that is played, and the texts of its mails."""


class Mailbox(BaseEmailBackend):
    """Keeps the texts of mails."""

    def send_messages(self, email_messages: Any) -> int:
        injector, texts = OPEN[-1]
        for message in email_messages:
            injector.may_crash()
            if injector.happens("mail refused", injector.mail_rate):
                raise OSError
            texts[message.body] += 1
            if injector.happens("mail unanswered", injector.crash_rate):
                raise OSError
            injector.may_crash()
        return len(email_messages)
