"""The QR code of a voucher: it holds the code alone, for a till that scans it. Needs the extra ``pdf``."""

from importlib import import_module
from types import ModuleType

from django.utils.safestring import SafeString, mark_safe

from voucher_payment_gateway.opaque import Opaque, strip_traceback

__all__ = ["as_rows", "as_svg", "is_installed"]


def is_installed() -> bool:
    """Return whether the extra ``pdf`` is installed."""
    return _segno() is not None


@strip_traceback
def as_svg(code: Opaque) -> SafeString:
    """Return the QR code as an element ``svg`` without styles, which every Content Security Policy allows. Empty for a
    code that is too long, or without the extra."""
    rows = as_rows(code)
    size = len(rows)
    path = "".join(f"M{x} {y}h1v1h-1z" for y, row in enumerate(rows) for x, dark in enumerate(row) if dark)
    if not rows:
        return SafeString()
    return mark_safe(  # noqa: S308  whole numbers alone
        f'<svg class="vpg-qr" xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {size} {size}" '
        f'shape-rendering="crispEdges" aria-hidden="true"><path fill="#fff" d="M0 0h{size}v{size}h-{size}z"/>'
        f'<path d="{path}"/></svg>'
    )


@strip_traceback
def as_rows(code: Opaque) -> list[list[bool]]:
    """Return the modules of the QR code, row by row, with the quiet zone around it; true is dark."""
    segno = _segno()
    if segno is None:
        return []
    try:
        made = segno.make_qr(code.reveal(), error="m")
    except segno.DataOverflowError:
        return []
    return [[bool(dark) for dark in row] for row in made.matrix_iter(border=4)]


def _segno() -> ModuleType | None:
    try:
        return import_module("segno")
    except ImportError:
        return None
