"""The voucher to print: a page, a QR code that holds the code alone, and a PDF; without the extra, none of them."""

import sys

import pytest
import segno
from django.utils import translation

from tests.selling.conftest import CODE, PIN
from voucher_payment_gateway.delivery.links import page_path
from voucher_payment_gateway.models import VoucherSale
from voucher_payment_gateway.opaque import Opaque
from voucher_payment_gateway.sealing import Secret
from voucher_payment_gateway.selling import pdf, qr_code


@pytest.fixture
def sale(seller):
    seller.settings(VOUCHER_DELIVERY="page")
    seller.details(
        recipient_name="Jürgen Groß", message="Schöne Grüße — für 50 €\nDeine Łucja 🎁", language="de"
    )
    seller.with_pin()
    return seller.sell()


def test_the_page_to_print_shows_everything(client, sale):
    html = client.get(f"{page_path(sale)}print/").content.decode()
    for needed in (
        CODE,
        PIN,
        "50,00",
        "Jürgen Groß",
        "Schöne Grüße",
        "https://shop.example",
        "Gültig bis",
        "<svg",
    ):
        assert needed in html
    assert "<form" not in html


def test_the_page_offers_the_pdf(client, sale):
    html = client.get(page_path(sale)).content.decode()
    assert 'href="pdf/"' in html
    assert 'href="print/"' in html


def test_the_pdf_is_one_for_download(client, sale):
    response = client.get(f"{page_path(sale)}pdf/")
    assert response["Content-Type"] == "application/pdf"
    assert response["Content-Disposition"] == 'attachment; filename="gutschein.pdf"'
    assert response.content.startswith(b"%PDF-")
    assert b"/FontFile2" in response.content
    assert CODE.encode() not in response.content.partition(b"stream")[0]


@pytest.mark.parametrize("language", ["en", "de"])
def test_a_pdf_of_unusual_facts_is_made(sale, language):
    sale.message, sale.recipient_name = "word " * 400, "n" * 150
    with translation.override(language):
        for secret in (Secret("X"), Secret("G" * 255, "9" * 255), Secret(CODE, PIN)):
            assert pdf.as_pdf(sale, secret).startswith(b"%PDF-")
        sale.valid_until, sale.message, sale.recipient_name = None, "", ""
        assert pdf.as_pdf(sale, Secret(CODE)).startswith(b"%PDF-")


def test_what_the_font_does_not_have_is_replaced(sale):
    pdf.as_pdf(sale, Secret(CODE))
    assert pdf._printable("Größe ß € ł é") == "Größe ß € ł é"
    assert pdf._printable("ầ🎁漢") == "a?"


def test_the_qr_code_holds_the_code_alone():
    """The matrix is that of the code, with the quiet zone of four modules that scanners need."""
    rows = qr_code.as_rows(Opaque(CODE))
    assert rows == [
        [bool(each) for each in row] for row in segno.make_qr(CODE, error="m").matrix_iter(border=4)
    ]
    assert not any(any(row) for row in rows[:4])


@pytest.fixture(params=["segno", "reportlab.pdfgen.canvas"])
def missing(request, monkeypatch):
    """A part of the extra that is not installed."""
    monkeypatch.setitem(sys.modules, request.param, None)
    return request.param


def test_without_the_extra_nothing_breaks(client, sale, missing):
    address = page_path(sale)
    html = client.get(address).content.decode()
    assert CODE in html
    assert 'href="pdf/"' not in html
    assert ("<svg" in html) == (missing != "segno")
    assert client.get(f"{address}pdf/").status_code == 404
    assert CODE in client.get(f"{address}print/").content.decode()


def test_a_code_that_is_too_long_for_a_qr_code_has_none():
    assert qr_code.as_svg(Opaque("漢" * 2000)) == ""


@pytest.mark.parametrize("words", ["שלום עדה", "Дорогая Ада", "親愛的艾達"])
def test_a_pdf_that_would_show_question_marks_is_not_offered(client, sale, words):
    VoucherSale.objects.update(message=words)
    html = client.get(page_path(sale)).content.decode()
    assert 'href="pdf/"' not in html
    assert words in client.get(f"{page_path(sale)}print/").content.decode()


def test_a_message_that_asks_a_question_is_no_reason_against_the_pdf(client, sale):
    VoucherSale.objects.update(message="Quo vadis? 🎂")
    assert 'href="pdf/"' in client.get(page_path(sale)).content.decode()


@pytest.mark.parametrize("message", ["Liebe Ada, " * 90, "x" * 1000, "Zeile\n" * 9])
def test_a_long_message_is_set_smaller_and_not_cut(sale, message):
    pdf.as_pdf(sale, Secret(CODE))
    lines, size, _ = pdf._message_lines(message)
    assert size < 11
    assert "".join(lines).replace(" ", "") == "".join(message.split())


def test_the_message_is_written_in_its_own_direction(client, sale):
    VoucherSale.objects.update(message="שלום עדה, 50 ₪!")
    for path in ("", "print/"):
        assert '<p class="vpg-message" dir="auto">' in client.get(page_path(sale) + path).content.decode()
