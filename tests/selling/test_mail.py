"""The mail with a sold voucher: what it says, in which language, and that it is sent once."""

from datetime import timedelta
from html import unescape

import pytest
from django.core import mail
from django.utils import timezone, translation

from tests.gateway.test_simultaneous_calls import at_once
from tests.selling.conftest import CODE, PIN
from voucher_payment_gateway import gateway
from voucher_payment_gateway.delivery.mail import send_reminder
from voucher_payment_gateway.gateway.verbs.hand_over import hand_over
from voucher_payment_gateway.models import VoucherSale


def the_mail():
    (message,) = mail.outbox
    return message


def html_of(message):
    ((html, kind),) = [(each[0], each[1]) for each in message.alternatives]
    assert kind == "text/html"
    return html


def test_the_mail_says_what_the_recipient_needs(seller):
    seller.details(
        recipient_name="Ada Lovelace",
        message="Dear Ada,\nhave fun!",
        validity_value=3,
        validity_interval="years",
    )
    seller.with_pin()
    sale = seller.sell()
    message = the_mail()
    assert message.to == ["ada@example.org"]
    assert message.subject == "Your gift voucher worth €50.00"
    day = timezone.localtime(sale.valid_until).year
    for text in (message.body, unescape(html_of(message))):
        for needed in ("Ada Lovelace", "€50.00", CODE, PIN, "https://shop.example", "Valid until", str(day)):
            assert needed in text
    assert "Dear Ada,\nhave fun!" in message.body
    assert "Dear Ada,<br>have fun!" in html_of(message)


@pytest.mark.parametrize("site", ["en-us", "de"])
def test_the_mail_is_in_the_language_of_the_sale_else_of_the_site(seller, settings, site):
    settings.LANGUAGE_CODE = site
    with translation.override("fr"):  # the language of whoever clicked does not matter
        seller.sell(language="")
    german = site == "de"
    assert ("Sie haben einen Gutschein erhalten" in the_mail().body) == german
    assert ("50,00 €" in the_mail().subject) == german


def test_a_german_sale_of_an_english_site_is_mailed_in_german(seller):
    seller.sell(language="de", recipient_name="Jürgen Groß", message="Schöne Grüße")
    message = the_mail()
    assert message.subject == "Ihr Gutschein über 50,00 €"
    assert 'lang="de"' in html_of(message)
    for text in (message.body, html_of(message)):
        assert "Hallo Jürgen Groß," in text
        assert "Schöne Grüße" in text


@pytest.mark.parametrize("language", ["xx", "../../etc", "de-AT"])
def test_a_language_that_is_not_there_prevents_no_mail(seller, language):
    assert seller.sell(language=language).delivered_at


def test_markup_in_a_message_is_shown_and_not_interpreted(seller):
    evil = '<script>alert(1)</script> & "so"\n<img src=https://evil.example/x.png>'
    seller.sell(message=evil, recipient_name="<b>Ada</b>")
    html = html_of(the_mail())
    assert "<script" not in html
    assert "<img" not in html
    assert "<b>Ada" not in html
    assert evil in the_mail().body
    assert "Hello <b>Ada</b>," in the_mail().body


def test_the_html_needs_no_other_site_and_no_style_sheet(seller):
    seller.sell()
    html = html_of(the_mail())
    assert "<img" not in html
    assert "<style" not in html
    assert "<link" not in html
    assert "url(" not in html


@pytest.mark.parametrize("broken", ["Line one\nBcc: evil@example.org", "a\r\n\r\nbody"])
def test_no_template_and_no_field_can_add_a_header(seller, templates_of_the_shop, broken):
    templates_of_the_shop("mail/voucher_mail_subject.txt", "{{ sale.message }}")
    seller.sell(message=broken)
    sent = the_mail().message()
    assert "Bcc" not in sent
    assert the_mail().recipients() == ["ada@example.org"]
    assert "\n" not in the_mail().subject


def test_an_address_with_a_line_break_is_never_used(seller):
    VoucherSale.objects.filter(pk=seller.issue().pk).update(
        recipient_email="ada@example.org\nBcc: evil@example.org"
    )
    VoucherSale.objects.update(message="as it stands")
    sale = VoucherSale.objects.get()
    sale.status = sale.target = "active"
    sale.deliver_due_at = timezone.now()
    sale.save()
    assert not hand_over(sale)
    sale.refresh_from_db()
    assert sale.delivery_error
    assert sale.sealed_code
    assert mail.outbox == []


def test_the_sender_is_that_of_the_setting(seller):
    seller.settings(MAIL_FROM="Our Shop <gifts@shop.example>")
    seller.sell()
    message = the_mail()
    assert message.from_email == "Our Shop <gifts@shop.example>"
    assert message.extra_headers["Message-ID"].endswith("@shop.example>")
    assert message.extra_headers["Auto-Submitted"] == "auto-generated"


def test_a_shop_overrides_a_template(seller, templates_of_the_shop):
    templates_of_the_shop("mail/voucher_mail.txt", "Ours: {{ code }}")
    sale = seller.sell()
    assert the_mail().body == f"Ours: {seller.code(sale)}"


def test_a_mail_that_is_planned_is_sent_when_it_is_due(seller):
    sale = seller.sell(deliver_at=timezone.now() + timedelta(days=3))
    assert mail.outbox == []
    seller.later(days=2)
    assert gateway.settle().delivered == 0
    seller.later(days=1, minutes=1)
    assert gateway.settle().delivered == 1
    sale.refresh_from_db()
    assert the_mail().to == ["ada@example.org"]
    assert sale.delivered_at
    assert not sale.sealed_code


def test_a_voucher_taken_back_before_its_day_is_never_mailed(seller):
    sale = seller.sell(deliver_at=timezone.now() + timedelta(days=3))
    gateway.take_back(seller.order)
    seller.later(days=4)
    assert gateway.settle().delivered == 0
    sale.refresh_from_db()
    assert (mail.outbox, sale.sealed_code, sale.pending) == ([], "", False)


def test_a_voucher_that_is_being_taken_back_is_not_mailed(seller):
    sale = seller.sell(deliver_at=timezone.now() + timedelta(days=3))
    seller.later(days=4)
    VoucherSale.objects.update(target="taken_back")
    assert gateway.settle().delivered == 0
    sale.refresh_from_db()
    assert not hand_over(sale)
    assert mail.outbox == []


def test_workers_at_the_same_moment_send_one_mail(seller):
    seller.sell(deliver_at=timezone.now() + timedelta(days=1))
    seller.later(days=2)
    workers = [VoucherSale.objects.get() for _ in range(8)]
    sent = at_once(*[lambda sale=sale: hand_over(sale) for sale in workers])
    assert sorted(sent) == [False] * 7 + [True]
    assert len(mail.outbox) == 1
    assert VoucherSale.objects.get().delivery_attempts == 1


def test_settle_in_two_processes_sends_one_mail(seller):
    seller.sell(deliver_at=timezone.now() + timedelta(days=1))
    seller.later(days=2)
    reports = at_once(gateway.settle, gateway.settle)
    assert sum(report.delivered for report in reports) == 1
    assert len(mail.outbox) == 1


def test_the_reminder_has_no_code(seller):
    sale = seller.sell(recipient_name="Ada", language="de")
    mail.outbox.clear()
    send_reminder(sale, sale.amount)
    for text in (the_mail().subject, the_mail().body, html_of(the_mail())):
        assert seller.code(sale) not in text
    assert "Hallo Ada," in the_mail().body
