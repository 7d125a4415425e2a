"""A sold voucher as a PDF: one page A5 in landscape, which prints on A4 as well. Needs the extra ``pdf``."""

import unicodedata
from functools import cache
from importlib import import_module
from io import BytesIO
from typing import Any

from django.utils.translation import get_language
from django.utils.translation import gettext as _

from voucher_payment_gateway.checkout.wording import amount_text, last_day_text
from voucher_payment_gateway.conf import gateway_settings
from voucher_payment_gateway.models import VoucherSale
from voucher_payment_gateway.opaque import Opaque, strip_traceback
from voucher_payment_gateway.sealing import Secret
from voucher_payment_gateway.selling import qr_code

__all__ = ["as_pdf", "can_write", "is_installed"]

FONT, BOLD = "voucher_payment_gateway.Vera", "voucher_payment_gateway.Vera-Bold"
FILES = {FONT: "Vera.ttf", BOLD: "VeraBd.ttf"}
"""Come with reportlab and are embedded: they have the letters of western and central Europe, and the euro sign."""

WIDTH, HEIGHT, MARGIN = 595.3, 419.5, 40.0
"""In points of 1/72 inch."""

QR_SIZE = 130.0
ACCENT, INK, SOFT = (0.114, 0.353, 0.271), (0.1, 0.13, 0.12), (0.33, 0.39, 0.365)
MESSAGE_SIZES = ((11, 16, 7), (9, 12, 9), (8, 10.5, 10))
"""Size, distance and most lines of the message: a long one is set smaller rather than cut."""


def is_installed() -> bool:
    """Return whether the extra ``pdf`` is installed."""
    return qr_code.is_installed() and _canvas() is not None


def can_write(sale: VoucherSale) -> bool:
    """Return whether the font has the letters of the name and the message, such as not those of Hebrew: where it lacks
    some, the page to print is the better one. Call it only where ``is_installed``."""
    _register_fonts()
    words = f"{sale.recipient_name}{sale.message}"
    return _printable(words).count("?") == words.count("?")


@strip_traceback
def as_pdf(sale: VoucherSale, secret: Secret) -> bytes:
    """Return the voucher as a PDF, in the language that is active. Call it only where ``is_installed``."""
    _register_fonts()
    file = BytesIO()
    canvas = _canvas().Canvas(file, pagesize=(WIDTH, HEIGHT), lang=get_language() or "en")
    canvas.setTitle(_("Gift voucher"))
    _draw_frame(canvas)
    _draw_head(canvas, sale)
    _draw_message(canvas, sale)
    _draw_code(canvas, secret)
    _draw_foot(canvas, sale)
    canvas.showPage()
    canvas.save()
    return file.getvalue()


def _draw_frame(canvas: Any) -> None:
    canvas.setFillColorRGB(*ACCENT)
    canvas.rect(0, HEIGHT - 14, WIDTH, 14, stroke=0, fill=1)


def _draw_head(canvas: Any, sale: VoucherSale) -> None:
    _write(canvas, MARGIN, HEIGHT - 62, _("Gift voucher"), BOLD, 26, ACCENT)
    amount = amount_text(sale.amount, sale.currency)
    width = _width(amount, BOLD, 26)
    _write(canvas, WIDTH - MARGIN - width, HEIGHT - 62, amount, BOLD, 26, INK)
    if sale.recipient_name:
        text = _("For %(name)s") % {"name": sale.recipient_name}
        _write(canvas, MARGIN, HEIGHT - 92, _shortened(text, FONT, 13, WIDTH - 2 * MARGIN), FONT, 13, INK)


def _draw_message(canvas: Any, sale: VoucherSale) -> None:
    lines, size, distance = _message_lines(sale.message)
    for number, line in enumerate(lines):
        _write(canvas, MARGIN, HEIGHT - 122 - distance * number, line, FONT, size, INK)


def _message_lines(message: str) -> tuple[list[str], float, float]:
    """Return the lines of the message, their size and distance: the largest in which it fits, else it is cut."""
    for size, distance, most in MESSAGE_SIZES:
        lines = _wrapped(message, FONT, size, WIDTH - 2 * MARGIN)
        if len(lines) <= most:
            return lines, size, distance
    return [*lines[: most - 1], "…"], size, distance


@strip_traceback
def _draw_code(canvas: Any, secret: Secret) -> None:
    room, low = WIDTH - 2 * MARGIN - QR_SIZE - 16, 112.0
    _write(canvas, MARGIN, low + 46, _("Code"), FONT, 11, SOFT)
    size = _fitted_size(secret.code, 24, room)
    for number, line in enumerate(_wrapped(secret.code.reveal(), BOLD, size, room)):
        _write(canvas, MARGIN, low + 16 - size * number, line, BOLD, size, INK)
    if secret.pin:
        pin = Opaque(f"{_('PIN')}: {secret.pin.reveal()}")
        _write(canvas, MARGIN, low - 12, pin.reveal(), BOLD, _fitted_size(pin, 14, room), INK)
    _draw_qr_code(canvas, secret)


@strip_traceback
def _fitted_size(text: Opaque, largest: float, room: float) -> float:
    """Return the size at which the text fits, at least 7 points."""
    return max(7.0, min(largest, largest * room / max(_width(text.reveal(), BOLD, largest), 1.0)))


@strip_traceback
def _draw_qr_code(canvas: Any, secret: Secret) -> None:
    rows = qr_code.as_rows(secret.code)
    side = QR_SIZE / max(len(rows), 1)
    left, top = WIDTH - MARGIN - QR_SIZE, 60 + QR_SIZE
    canvas.setFillColorRGB(0, 0, 0)
    for y, row in enumerate(rows):
        for x, dark in enumerate(row):
            if dark:
                canvas.rect(left + x * side, top - (y + 1) * side, side, side, stroke=0, fill=1)


def _draw_foot(canvas: Any, sale: VoucherSale) -> None:
    height = MARGIN + 4
    if shop_url := gateway_settings().SHOP_URL:
        text = _("Redeem it at: %(shop_url)s") % {"shop_url": shop_url}
        _write(
            canvas, MARGIN, height, _shortened(text, FONT, 11, WIDTH - 2 * MARGIN - QR_SIZE), FONT, 11, INK
        )
        height += 18
    if sale.valid_until:
        day = last_day_text(sale.valid_until)
        _write(canvas, MARGIN, height, _("Valid until %(day)s.") % {"day": day}, FONT, 11, INK)


def _write(
    canvas: Any, x: float, y: float, text: str, font: str, size: float, colour: tuple[float, float, float]
) -> None:
    canvas.setFont(font, size)
    canvas.setFillColorRGB(*colour)
    canvas.drawString(x, y, _printable(text))


def _width(text: str, font: str, size: float) -> float:
    return float(import_module("reportlab.pdfbase.pdfmetrics").stringWidth(_printable(text), font, size))


def _wrapped(text: str, font: str, size: float, room: float) -> list[str]:
    """Break a text into lines that fit, between words, and inside of one that is too long."""
    lines: list[str] = []
    for paragraph in text.splitlines():
        line = ""
        for word in paragraph.split(" "):
            longer = f"{line} {word}" if line else word
            while _width(longer, font, size) > room:
                if line:
                    lines.append(line)
                    line, longer = "", word
                    continue
                fitting = _fitting(longer, font, size, room)
                lines.append(longer[:fitting])
                longer = longer[fitting:]
            line = longer
        lines.append(line)
    return lines


def _fitting(text: str, font: str, size: float, room: float) -> int:
    """Return how many characters of the text fit, at least one."""
    return max(next((n for n in range(len(text), 0, -1) if _width(text[:n], font, size) <= room), 1), 1)


def _shortened(text: str, font: str, size: float, room: float) -> str:
    lines = _wrapped(text, font, size, room - size)
    return lines[0] if len(lines) == 1 else f"{lines[0]}…"


def _printable(text: str) -> str:
    """Replace what the font does not have by its base letter, else by a question mark; leave symbols out."""
    has = _glyphs()
    return "".join(each if ord(each) in has else _replacement(each) for each in text)


def _replacement(character: str) -> str:
    base = unicodedata.normalize("NFKD", character)[0]
    if ord(base) in _glyphs():
        return base
    return "?" if unicodedata.category(character).startswith("L") else ""


@cache
def _glyphs() -> frozenset[int]:
    face = import_module("reportlab.pdfbase.pdfmetrics").getFont(FONT).face
    return frozenset(face.charToGlyph)


@cache
def _register_fonts() -> None:
    pdfmetrics, ttfonts = (import_module(f"reportlab.pdfbase.{name}") for name in ("pdfmetrics", "ttfonts"))
    for name, file in FILES.items():
        pdfmetrics.registerFont(ttfonts.TTFont(name, file))


def _canvas() -> Any:
    try:
        return import_module("reportlab.pdfgen.canvas")
    except ImportError:
        return None
