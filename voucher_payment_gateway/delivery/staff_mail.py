"""The mail that tells staff of cases: one for all that were found at the same time.

Written from two templates in ``voucher_payment_gateway/mail/``, subject and text, in the language of the shop.
"""

from django.conf import settings
from django.core.mail import EmailMessage
from django.template.loader import render_to_string
from django.utils import timezone, translation

from voucher_payment_gateway.conf import StaffNotices, gateway_settings
from voucher_payment_gateway.delivery.mail import FOLDER, MailNotSentError, mail_connection, message_id
from voucher_payment_gateway.delivery.staff_cases import Notice

__all__ = ["send_staff_mail"]


def send_staff_mail(notice: Notice, to: StaffNotices) -> None:
    """Send the mail. Raises whatever the mail backend or a template of the shop raises; after an error of the mail
    server it was perhaps sent. A repeated mail has the same Message-ID."""
    facts = {"notice": notice, "cases": notice.cases}
    with translation.override(settings.LANGUAGE_CODE), timezone.override(timezone.get_default_timezone()):
        # one line, so that no template can add a header
        subject = " ".join(render_to_string(f"{FOLDER}/staff_mail_subject.txt", facts).split())
        text = render_to_string(f"{FOLDER}/staff_mail.txt", facts)
    sender = gateway_settings().MAIL_FROM or settings.DEFAULT_FROM_EMAIL
    headers = {"Message-ID": message_id(f"staff.{notice.id}", sender), "Auto-Submitted": "auto-generated"}
    message = EmailMessage(subject, text, sender, to.emails, headers=headers)
    if mail_connection().send_messages([message]) == 0:
        raise MailNotSentError
