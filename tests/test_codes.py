"""Codes as people paste them: what nobody can see makes no difference, and ``forgiving`` takes what they mean."""

import re
import runpy
import sys
import unicodedata
from pathlib import Path

import pytest
from django.utils.module_loading import import_string

from voucher_payment_gateway import gateway
from voucher_payment_gateway.codes import forgiving, tidy
from voucher_payment_gateway.exceptions import VoucherUnusableError
from voucher_payment_gateway.models import VoucherPayment
from voucher_payment_gateway.sandbox.demo import DEMO_VOUCHERS

CODE = "GIFT-2000-ABCD"
UNSEEN = {
    "zero-width space": "GIFT-\u200b2000-ABCD",
    "zero-width joiner": "GIFT\u200d-2000-ABCD",
    "word joiner": "GIFT-2000\u2060-ABCD",
    "byte order mark": "\ufeffGIFT-2000-ABCD",
    "directions": "\u202a\u200eGIFT-2000-ABCD\u202c\u2069",
    "Arabic letter mark": "\u061cGIFT-2000-ABCD",
    "soft hyphens": "GI\u00adFT-2000-AB\u00adCD",
    "variation selector": "GIFT-2\ufe0f000-ABCD",
    "tags": "GIFT-2000-ABCD\U000e0020\U000e007f",
    "Hangul filler": "\u3164GIFT-2000-ABCD",
    "no-break blanks around": "\u00a0GIFT-2000-ABCD\u202f",
    "line end and tab around": "\tGIFT-2000-ABCD\r\n",
    "invisible, then blank": "\u200b GIFT-2000-ABCD \ufeff\n",
    "many": "\u200b".join(CODE) + "\u2060" * 300,
}
BLANKS = ["\u00a0", "\u2009", "\u202f", "\u2007", "\u3000", "\u205f", "\u1680", "\u2800", "\t", " "]


@pytest.mark.parametrize("typed", UNSEEN.values(), ids=UNSEEN)
@pytest.mark.parametrize("normaliser", ["", "voucher_payment_gateway.codes.forgiving", f"{__name__}.strict"])
def test_what_nobody_sees_makes_no_difference(shop, gateway_settings, typed, normaliser):
    gateway_settings(CODE_NORMALISER=normaliser)
    shop.voucher("20.00", code=CODE, pin="2468")
    order = shop.order("20.00")
    first = gateway.authorize(order, CODE, pin="2468")
    assert gateway.authorize(order, typed, pin="\u200b24\u00ad68\ufeff") == first
    assert gateway.select(order, typed, pin="2468\u00a0") == first
    other = shop.order("50.00", number="A-1002")
    assert gateway.select(other, typed).code_fingerprint == first.code_fingerprint
    assert shop.calls() == [("POST", "/v1/reservations")]


def strict(code):
    """A normaliser that must never see what nobody sees."""
    assert code == CODE
    return code


@pytest.mark.parametrize("blank", BLANKS, ids=map(ascii, BLANKS))
def test_an_odd_blank_inside_is_a_blank(shop, blank):
    shop.voucher("20.00", code="GIFT 2000", pin="24 68")
    payment = gateway.authorize(shop.order("50.00"), f"GIFT{blank}2000", pin=f"24{blank}68")
    assert (payment.status, payment.code_hint) == ("authorized", "2000")


def test_a_letter_in_two_parts_is_one_letter(shop):
    shop.voucher("20.00", code="PRÄMIE-Ñ", pin="é")
    order = shop.order("50.00")
    payment = gateway.authorize(order, "PRA\u0308MIE-N\u0303", pin="e\u0301")
    assert gateway.authorize(order, "PRÄMIE-Ñ", pin="é") == payment


def test_without_a_normaliser_nothing_that_is_seen_is_touched(shop):
    shop.voucher("20.00", code=CODE)
    order = shop.order("50.00")
    for typed in (
        "gift-2000-abcd",
        "GIFT\u20132000\u2013ABCD",
        "GIFT2000ABCD",
        "GIFT 2000 ABCD",
        "GIFT--2000-ABCD",
    ):
        with pytest.raises(VoucherUnusableError):
            gateway.authorize(order, typed)
        assert tidy(typed) == typed


@pytest.mark.parametrize(
    "code",
    ["GIFT\n2000", "GIFT\r\n2000", "GIFT\u20282000", "GIFT\x002000", "GIFT\x1b2000", "GIFT\x7f2000", "\ud800",
     "\u200b" * 5000 + CODE, "x" * 256, "\u200b\ufeff\u00ad", "\u2028", b"GIFT", ["GIFT"]],
)  # fmt: skip
@pytest.mark.parametrize("which", ["code", "pin"])
def test_what_cannot_be_sent_is_unusable_and_nothing_is_sent(shop, code, which):
    shop.voucher("20.00", code=CODE)
    order = shop.order("50.00")
    given = {"code": CODE, "pin": "1", which: code}
    if which == "pin" and isinstance(code, str) and tidy(code) == "":
        assert gateway.authorize(order, **{**given, "pin": code}).status == "authorized"  # no PIN
        return
    for verb in (gateway.authorize, gateway.select):
        with pytest.raises(VoucherUnusableError):
            verb(order, **given)
    assert shop.calls() == []
    assert not VoucherPayment.objects.exists()


def test_tidying_twice_is_tidying_once_for_every_character():
    for point in range(sys.maxunicode + 1):
        once = tidy(f"A{chr(point)}\u0301 B")
        assert tidy(once) == once, hex(point)


def test_every_format_character_and_every_blank_of_unicode_is_considered():
    """A new version of Unicode may add some: they are refused, as control characters are, until they are listed."""
    visible = {
        *range(0x600, 0x606),
        0x6DD,
        0x70F,
        0x890,
        0x891,
        0x8E2,
        0x110BD,
        0x110CD,
        *range(0x13430, 0x13440),
    }
    left = []
    for point in range(sys.maxunicode + 1):
        kind = unicodedata.category(chr(point))
        if kind == "Zs" and tidy(f"A{chr(point)}B") != "A B":
            left.append(hex(point))
        if kind == "Cf" and point not in visible and tidy(f"A{chr(point)}B") != "AB":
            left.append(hex(point))
    assert left == []


MEANT = [
    "gift-2000-abcd", "Gift-2000-aBcD", "GIFT 2000 ABCD", " gift  2000 - abcd ", "GIFT\u20102000\u2011ABCD",
    "GIFT\u20132000\u2014ABCD", "GIFT\u22122000\u2212ABCD", "GIFT\ufe632000\uff0dABCD", "GIFT \u2013 2000 \u2013 ABCD",
    "GIFT\u00a02000\u202fABCD", "ＧＩＦＴ－２０００－ＡＢＣＤ", "GIFT-٢٠٠٠-ABCD", "GIFT-２０００-ABCD",
    "-GIFT-2000-ABCD-",    "\u200bGIFT\u00ad-2000\u2009-\u2009ABCD", "GIFT\u30fc2000\uff70ABCD",
    "GIFT\t2000\tABCD",
]  # fmt: skip


@pytest.mark.parametrize("typed", MEANT)
def test_the_forgiving_normaliser_takes_what_a_person_means(shop, gateway_settings, typed):
    gateway_settings(CODE_NORMALISER="voucher_payment_gateway.codes.forgiving")
    shop.voucher("20.00", code=CODE)
    order = shop.order("50.00")
    payment = gateway.authorize(order, typed)
    assert (payment.status, payment.code_hint) == ("authorized", "ABCD")
    assert gateway.authorize(order, CODE) == payment
    assert forgiving(CODE) == forgiving(forgiving(typed)) == CODE


@pytest.mark.parametrize("typed", MEANT)
def test_codes_that_are_issued_without_hyphens_are_known_by_their_pattern(shop, gateway_settings, typed):
    gateway_settings(CODE_NORMALISER="voucher_payment_gateway.codes.forgiving", CODE_PATTERN="[A-Z0-9]{12}")
    shop.voucher("20.00", code="GIFT2000ABCD")
    assert gateway.authorize(shop.order("50.00"), typed).status == "authorized"


def test_the_example_shop_uses_it_and_its_codes_are_of_its_form(tmp_path, monkeypatch):
    monkeypatch.setenv("EXAMPLE_VAR_DIR", str(tmp_path))
    settings = runpy.run_path("example_project/config/settings.py")["VOUCHER_PAYMENT_GATEWAY"]
    assert import_string(settings["CODE_NORMALISER"]) is forgiving
    seeded = re.findall(r'Voucher\("([^"]+)"', Path("example_project/shop/seed.py").read_text())
    codes = [*seeded, *(voucher["code"] for voucher in DEMO_VOUCHERS)]
    assert len(codes) > 10
    assert [code for code in codes if forgiving(code.lower()) != code] == []


def test_the_forgiving_normaliser_expands_no_code_beyond_the_limit(shop, gateway_settings):
    """One letter may become eighteen: a pattern of quadratic time would block the shop."""
    gateway_settings(CODE_NORMALISER="voucher_payment_gateway.codes.forgiving", CODE_PATTERN=r"(x+x+)+y")
    with pytest.raises(VoucherUnusableError):
        gateway.authorize(shop.order(), "\u33af" * 20 + "\ufdfa" * 100 + "x" * 100)
    assert shop.calls() == []


def test_the_forgiving_normaliser_does_not_touch_the_pin(shop, gateway_settings):
    gateway_settings(CODE_NORMALISER="voucher_payment_gateway.codes.forgiving")
    shop.voucher("20.00", code=CODE, pin="a-b 1")
    order = shop.order("50.00")
    with pytest.raises(VoucherUnusableError):
        gateway.authorize(order, CODE, pin="A-B-1")
    assert gateway.authorize(order, CODE, pin="a-b\u00a01\u200b").status == "authorized"
