"""What people paste into the fields of a gift voucher: a paid one is sold and mailed all the same."""

import unicodedata
from datetime import datetime
from html import unescape
from zoneinfo import ZoneInfo

import pytest
from django.core import mail

from voucher_payment_gateway import gateway
from voucher_payment_gateway.exceptions import PaymentStateError

LONG_ADDRESS = f"{'a' * 60}@{'b' * 60}.{'c' * 60}.{'d' * 60}.{'e' * 60}.org"
"""Of 308 characters: Django's validator takes up to 320, the column 254."""

BIRTHDAY = "Happy 🎂 from 👩‍👩‍👧‍👦 in 🏴󠁧󠁢󠁥󠁮󠁧󠁿, שלום ועד מהרה"


def parts_of(message):
    kinds = [("plain", str), ("html", unescape)]
    return [read(message.get_body((kind,)).get_content().replace("\r\n", "\n")) for kind, read in kinds]


@pytest.mark.parametrize("end", ["\u2028", "\u2029", "\x0b", "\x0c", "\x85"])
def test_line_ends_of_a_word_processor_are_line_ends(seller, end):
    sale = seller.sell(message=f"Dear Ada,{end}have fun!")
    assert sale.message == "Dear Ada,\nhave fun!"
    assert "Dear Ada,\nhave fun!" in mail.outbox[0].body


def test_a_message_that_a_browser_counts_as_1000_characters_is_one(seller):
    """With ``maxlength="1000"`` a line end counts once, and is sent as two characters."""
    line = "x" * 9
    assert seller.sell(message=f"{line}\r\n" * 100).message == f"{line}\n" * 100
    assert len(mail.outbox) == 1


def test_letters_of_a_mac_are_composed(seller):
    """The font of the PDF has "ü", and no diaeresis to put on a "u"."""
    name, message = (unicodedata.normalize("NFD", text) for text in ("Jürgen Groß", "Schöne Grüße, Zoë"))
    sale = seller.sell(recipient_name=name, message=message)
    assert (sale.recipient_name, sale.message) == ("Jürgen Groß", "Schöne Grüße, Zoë")


def test_what_looks_like_a_template_is_a_text(seller):
    code = "{{ code }} {% load i18n %} %(day)s {0} $x"
    seller.sell(message=code, recipient_name="{{ pin }} %s")
    for needed in (code, "Hello {{ pin }} %s,"):
        assert needed in mail.outbox[0].body


@pytest.mark.parametrize("name", ["Ada\tLovelace", " Ada Lovelace\t", "Ada\u2028Lovelace"])
def test_a_name_from_a_spreadsheet_is_in_one_line(seller, name):
    assert seller.sell(recipient_name=name).recipient_name == "Ada Lovelace"
    assert "Hello Ada Lovelace," in mail.outbox[0].body


@pytest.mark.parametrize("around", [" {}", "{} ", "\t{}", "{}\u00a0"])
def test_blanks_around_an_address_are_no_part_of_it(seller, smtp, around):
    assert seller.sell(recipient_email=around.format("ada+gift@example.org")).delivered_at
    assert smtp.recipients == ["ada+gift@example.org"]


@pytest.mark.parametrize(
    ("address", "sent_to"),
    [
        ("ada@müller.example", "ada@xn--mller-kva.example"),
        ("ada@例え.jp", "ada@xn--r8jz45g.jp"),
        ("o'hara@example.org", "o'hara@example.org"),
        ("Ada@EXAMPLE.org", "Ada@EXAMPLE.org"),
    ],
)
def test_unusual_addresses_get_their_mail(seller, smtp, address, sent_to):
    assert seller.sell(recipient_email=address).delivered_at
    assert smtp.recipients == [sent_to]


@pytest.mark.parametrize(
    "address",
    ["Ada <ada@example.org>", "mailto:ada@example.org", "a@example.org,b@example.org", LONG_ADDRESS],
)
def test_what_is_not_one_address_is_named_before_anything_is_sent(seller, address):
    seller.details(recipient_email=address)
    seller.shop.calls()
    with pytest.raises(PaymentStateError, match="recipient_email: "):
        seller.issue()
    assert seller.shop.calls() == []


def test_an_address_that_does_not_fit_gets_no_mail_again(seller):
    """PostgreSQL refuses it only when the mail is noted: the mail would be out, and our records would not know."""
    sale = seller.sell()
    with pytest.raises(PaymentStateError, match="recipient_email: "):
        gateway.resend(sale, actor="mia", recipient_email=LONG_ADDRESS)
    assert len(mail.outbox) == 1
    gateway.resend(sale, actor="mia", recipient_email=" bob@example.org ")
    assert mail.outbox[1].to == ["bob@example.org"]


def test_emojis_and_writing_from_right_to_left_survive_a_mail_server(seller, smtp):
    seller.sell(message=BIRTHDAY, recipient_name="Žofie 🎁")
    for text in parts_of(smtp.received[0]):
        assert BIRTHDAY in text
        assert "Žofie 🎁" in text


def test_a_message_of_one_endless_word_survives_a_mail_server(seller, smtp):
    seller.sell(message="x" * 1000)
    (message,) = smtp.received
    assert max(map(len, message.as_bytes().splitlines())) < 998
    for text in parts_of(message):
        assert "x" * 1000 in text


def test_a_delivery_in_an_hour_that_the_clocks_skip_or_repeat_is_stored_once(seller):
    berlin = ZoneInfo("Europe/Berlin")
    skipped, repeated = (
        datetime(2027, 3, 28, 2, 30, tzinfo=berlin),
        datetime(2027, 10, 31, 2, 30, tzinfo=berlin),
    )
    for instant in (skipped, repeated, repeated.replace(fold=1)):
        seller.details(deliver_at=instant)
        sale = seller.issue()
        assert sale.deliver_at.timestamp() == instant.timestamp()
        assert seller.issue().version == sale.version, "nothing has changed"


def test_a_message_is_mailed_in_its_own_direction(seller):
    seller.sell(message="שלום עדה, 50 ₪!")
    assert '<p dir="auto"' in mail.outbox[0].alternatives[0][0]
