"""The mails about a sold voucher: the voucher itself, and the reminder before it expires."""

from django.core.mail import EmailMultiAlternatives
from django.template.loader import render_to_string
from django.utils import translation

from voucher_payment_gateway.conf import gateway_settings
from voucher_payment_gateway.models import VoucherSale
from voucher_payment_gateway.opaque import strip_traceback
from voucher_payment_gateway.sealing import Secret

__all__ = ["send_voucher"]


@strip_traceback
def send_voucher(sale: VoucherSale, secret: Secret) -> None:
    """Send the voucher to its recipient. Raises whatever Django's mail backend raises; it was perhaps sent then."""
    facts = {"sale": sale, "code": secret.code.reveal(), "pin": secret.pin.reveal()}
    with translation.override(sale.language or translation.get_language()):
        _send(sale, "voucher_mail", facts | {"shop_url": gateway_settings().SHOP_URL})


def _send(sale: VoucherSale, name: str, facts: dict[str, object]) -> None:
    folder = "voucher_payment_gateway/mail"
    subject = " ".join(render_to_string(f"{folder}/{name}_subject.txt", facts).split())
    text = render_to_string(f"{folder}/{name}.txt", facts)
    message = EmailMultiAlternatives(
        subject, text, gateway_settings().MAIL_FROM or None, [sale.recipient_email]
    )
    message.attach_alternative(render_to_string(f"{folder}/{name}.html", facts), "text/html")
    message.send()
