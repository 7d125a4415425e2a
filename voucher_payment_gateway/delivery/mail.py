"""The mails about a sold voucher: the voucher itself, and the reminder before it expires.

Each is written from three templates in ``voucher_payment_gateway/mail/``: subject, text and HTML.
"""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal
from email.utils import parseaddr
from typing import Any

from django.conf import settings
from django.core import mail
from django.core.mail import EmailMultiAlternatives
from django.template.loader import render_to_string
from django.utils import timezone, translation
from django.utils.crypto import salted_hmac

from voucher_payment_gateway.conf import gateway_settings
from voucher_payment_gateway.models import VoucherSale
from voucher_payment_gateway.opaque import HiddenText, strip_traceback
from voucher_payment_gateway.sealing import Secret

__all__ = ["FOLDER", "MailNotSentError", "mail_connection", "message_id", "send_reminder", "send_voucher"]

FOLDER = "voucher_payment_gateway/mail"

DOMAIN = re.compile(r"[A-Za-z0-9.-]{1,255}")

TIMEOUT_SECONDS = 20
"""Timeout of one wait for the mail server where the shop has set none: a lease must not end before."""


class MailNotSentError(Exception):
    """The mail backend says that it sent nothing."""


@strip_traceback
def send_voucher(sale: VoucherSale, secret: Secret, *, occasion: str = "voucher") -> None:
    """Send the voucher to its recipient. Raises whatever Django's mail backend or a template of the shop raises; after
    an error of the mail server it was perhaps sent.

    A repeated mail of one ``occasion`` has the same Message-ID, by which mail servers recognise a duplicate.
    """
    code, pin = HiddenText(secret.code.reveal()), HiddenText(secret.pin.reveal())
    _send(sale, "voucher_mail", occasion, {"code": code, "pin": pin})


def send_reminder(sale: VoucherSale, balance: Decimal) -> None:
    """Remind the recipient of what is left on the voucher and when it expires. Raises as ``send_voucher``."""
    expiry = sale.valid_until.isoformat() if sale.valid_until else ""
    _send(sale, "reminder_mail", f"reminder.{expiry}", {"balance": balance})


def _send(sale: VoucherSale, name: str, occasion: str, facts: dict[str, Any]) -> None:
    facts |= {"sale": sale, "shop_url": gateway_settings().SHOP_URL}
    with _language_of(sale):
        # one line, so that no template can add a header
        subject = " ".join(render_to_string(f"{FOLDER}/{name}_subject.txt", facts).split())
        text = render_to_string(f"{FOLDER}/{name}.txt", facts)
        html = render_to_string(f"{FOLDER}/{name}.html", facts)
    sender = gateway_settings().MAIL_FROM or settings.DEFAULT_FROM_EMAIL
    about = f"{sale.voucher_id}.{sale.recipient_email}.{occasion}"
    headers = {"Message-ID": message_id(about, sender), "Auto-Submitted": "auto-generated"}
    message = EmailMultiAlternatives(subject, text, sender, [sale.recipient_email], headers=headers)
    message.attach_alternative(html, "text/html")
    connection = mail_connection()
    if connection.send_messages([message]) == 0:
        raise MailNotSentError


@contextmanager
def _language_of(sale: VoucherSale) -> Iterator[None]:
    """Write as the recipient reads: not in the language and time zone of the request, if there is one."""
    language = sale.language or settings.LANGUAGE_CODE
    with translation.override(language), timezone.override(timezone.get_default_timezone()):
        yield


def mail_connection() -> Any:
    """Return a connection to the mail server: of Django 6.1's ``MAILERS``, or of the settings before it."""
    mailers = getattr(mail, "mailers", None)
    connection: Any = mail.get_connection() if mailers is None else mailers.default
    if getattr(connection, "timeout", 0) is None:
        connection.timeout = TIMEOUT_SECONDS
    return connection


def message_id(about: str, sender: str) -> str:
    """Return the Message-ID of each mail about the same, which tells nothing of it."""
    digest = salted_hmac("voucher_payment_gateway.message_id", about, algorithm="sha256").hexdigest()[:40]
    domain = parseaddr(sender)[1].rpartition("@")[2]
    return f"<{digest}@{domain if DOMAIN.fullmatch(domain) else 'localhost'}>"
