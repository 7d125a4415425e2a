"""The vouchers that an order sells: what the shop's ``SOLD_VOUCHERS`` returns, checked."""

import re
import unicodedata
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import MAXYEAR, UTC, datetime
from decimal import Decimal
from itertools import islice
from typing import Any

from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.utils.module_loading import import_string

from voucher_payment_gateway.conf import gateway_settings
from voucher_payment_gateway.currencies import amount_in
from voucher_payment_gateway.exceptions import AmountError, PaymentStateError
from voucher_payment_gateway.models.sale import ADDRESS_LENGTH, KEY_LENGTH, MESSAGE_LENGTH, RESERVED_KEYS

__all__ = ["MAX_PER_ORDER", "SoldVoucher", "checked", "checked_but_key", "sold_vouchers"]

MAX_PER_ORDER = 500
"""Maximum number of vouchers that one order sells: each costs two calls. ``voucher_issue`` makes more."""

INTERVALS = ("days", "weeks", "months", "years")
MAX_VALIDITY = 7000

LINE_ENDS = re.compile("[\x0b\x0c\x85\u2028\u2029]")
"""Ends of lines as word processors and telephones write them; a form of Django lets them pass."""

BROWSER_LINE_ENDS = re.compile("\r\n?")
"""A browser counts such an end as one character, and sends two."""


@dataclass(frozen=True)
class SoldVoucher:
    """One voucher that an order sells, or ``quantity`` equal ones."""

    key: str
    """The shop's own key of it, unique per order and the same at every call, such as the id of the order line."""
    amount: Decimal
    """What the voucher is worth, in the currency of the order: not necessarily its price."""
    quantity: int = 1
    """How many; above 1 they have the keys ``key-1``, ``key-2``, … Each of them still says how many they are."""
    recipient_email: str = ""
    """Who gets the code by mail."""
    recipient_name: str = ""
    message: str = ""
    """What the buyer writes to the recipient, at most 1000 characters."""
    deliver_at: datetime | None = None
    """When the code is to be sent, aware; None: as soon as the voucher is active."""
    language: str = ""
    """The language of the mail and the voucher's page, such as "de"; empty for that of the site."""
    sku: str = ""
    batch: str = ""
    validity_value: int | None = None
    """How long the voucher is valid from its activation, in ``validity_interval``; None: as the account is set up."""
    validity_interval: str = ""
    """``days``, ``weeks``, ``months`` or ``years``."""
    taxable: bool | None = None
    """True: a single-purpose voucher, whose VAT is paid at its sale with ``tax_rate``."""
    tax_rate: Decimal | None = None
    """In percent."""


def sold_vouchers(order: Any, currency_of: Callable[[], str]) -> list[SoldVoucher]:
    """Return the vouchers that ``order`` sells, one for each; none without ``SOLD_VOUCHERS``. The currency of the order
    is read only where it sells some.

    Raises AmountError or PaymentStateError that names the field; nothing was sent then.
    """
    path = gateway_settings().SOLD_VOUCHERS
    if not path:
        return []
    lines = _lines(import_string(path)(order))
    currency = currency_of() if lines else ""
    each = [voucher for line in lines for voucher in _divided(checked(line, currency))]
    _refuse_more_than_most(each)
    keys = [voucher.key for voucher in each]
    if twice := sorted({key for key in keys if keys.count(key) > 1}):
        raise _wrong(
            "key", f"{twice[0]!r} stands for two vouchers of the order: give each line a key of its own"
        )
    return each


def _lines(given: Any) -> list[Any]:
    """Return what the shop's callable returned as a list; a generator is read no further than is allowed."""
    if given is None or given in ("", {}):
        return []
    if not isinstance(given, Iterable) or isinstance(given, str | bytes | Mapping):
        raise _wrong("SOLD_VOUCHERS", f"must return a list of SoldVoucher, not {type(given).__name__}")
    lines = list(islice(given, MAX_PER_ORDER + 1))
    _refuse_more_than_most(lines)
    return lines


def _refuse_more_than_most(sold: list[Any]) -> None:
    if len(sold) > MAX_PER_ORDER:
        raise _wrong(
            "SOLD_VOUCHERS", f"an order sells at most {MAX_PER_ORDER} vouchers; for more use voucher_issue"
        )


def checked(sold: Any, currency: str) -> SoldVoucher:
    """Return ``sold`` with checked fields, as they are stored. Raises AmountError or PaymentStateError that names the
    wrong one."""
    if not isinstance(sold, SoldVoucher):
        raise _wrong("SOLD_VOUCHERS", f"must return SoldVoucher, not {type(sold).__name__}")
    _check_key(sold)
    return checked_but_key(sold, currency)


def checked_but_key(sold: SoldVoucher, currency: str) -> SoldVoucher:
    """Return a voucher with checked fields whose key is not the shop's own."""
    sold = _as_typed(sold)
    _check_recipient(sold)
    _check_instant(sold)
    _check_validity(sold)
    _check_tax(sold)
    for name, most in (("sku", 255), ("batch", 30), ("recipient_name", 150), ("language", 15)):
        _check_text(name, getattr(sold, name), most)
    amount = amount_in(currency, sold.amount, "amount of a sold voucher")
    return replace(sold, amount=amount, deliver_at=_in_utc(sold.deliver_at))


def _as_typed(sold: SoldVoucher) -> SoldVoucher:
    """Return a voucher without what was pasted along unseen, which would keep a paid one from being sold: blanks around
    the address, tabs in the name, and line ends that are none of plain text. Letters are composed (NFC)."""
    changes: dict[str, Any] = {}
    if isinstance(sold.recipient_email, str):
        changes["recipient_email"] = sold.recipient_email.strip()
    if isinstance(sold.recipient_name, str):
        name = LINE_ENDS.sub(" ", sold.recipient_name).replace("\t", " ").strip()
        changes["recipient_name"] = unicodedata.normalize("NFC", name)
    if isinstance(sold.message, str):
        message = LINE_ENDS.sub("\n", BROWSER_LINE_ENDS.sub("\n", sold.message))
        changes["message"] = unicodedata.normalize("NFC", message)
    return replace(sold, **changes)


def _in_utc(instant: datetime | None) -> datetime | None:
    """Return the same instant in UTC, as the database has it: in an hour that a change of the clocks skips or repeats,
    two zones never compare as equal."""
    return None if instant is None else instant.astimezone(UTC)


def _divided(sold: SoldVoucher) -> list[SoldVoucher]:
    if sold.quantity == 1:
        return [sold]
    return [replace(sold, key=f"{sold.key}-{n}") for n in range(1, sold.quantity + 1)]


def _check_key(sold: SoldVoucher) -> None:
    if not isinstance(sold.key, str) or not sold.key.strip() or not sold.key.isprintable():
        raise _wrong("key", "must be a text of printable characters, such as the id of the order line")
    if sold.key.startswith(RESERVED_KEYS):
        raise _wrong("key", f"must not begin with {' or '.join(map(repr, RESERVED_KEYS))}")
    if len(sold.key) > KEY_LENGTH - 10:
        raise _wrong("key", f"must have at most {KEY_LENGTH - 10} characters")
    if type(sold.quantity) is not int or not 1 <= sold.quantity <= MAX_PER_ORDER:
        raise AmountError(
            f"quantity: must be a whole number from 1 to {MAX_PER_ORDER}; for more vouchers use voucher_issue. "
            "Nothing was sent.",
            code="quantity_bounds",
        )


def _check_recipient(sold: SoldVoucher) -> None:
    _check_text("recipient_email", sold.recipient_email, ADDRESS_LENGTH)
    if sold.recipient_email:
        try:
            validate_email(sold.recipient_email)
        except ValidationError:
            raise _wrong("recipient_email", "is not an e-mail address") from None
    if not isinstance(sold.message, str):
        raise _wrong("message", "must be a text")
    if len(sold.message) > MESSAGE_LENGTH:
        raise _wrong("message", f"must have at most {MESSAGE_LENGTH} characters")
    if _has_control(sold.message, allowed="\r\n\t"):
        raise _wrong("message", "must not contain control characters")


def _check_instant(sold: SoldVoucher) -> None:
    if sold.deliver_at is not None and (
        not isinstance(sold.deliver_at, datetime) or sold.deliver_at.utcoffset() is None
    ):
        raise _wrong("deliver_at", "must be an aware datetime")
    if sold.deliver_at is not None and not 1 < sold.deliver_at.year < MAXYEAR:
        raise _wrong("deliver_at", "must be an instant that every time zone can show; None: at once")


def _check_validity(sold: SoldVoucher) -> None:
    if sold.validity_value is None and not sold.validity_interval:
        return
    if type(sold.validity_value) is not int or not 1 <= sold.validity_value <= MAX_VALIDITY:
        raise _wrong("validity_value", f"must be a whole number from 1 to {MAX_VALIDITY}")
    if sold.validity_interval not in INTERVALS:
        raise _wrong("validity_interval", f"must be one of {', '.join(INTERVALS)}")


def _check_tax(sold: SoldVoucher) -> None:
    if not any(sold.taxable is value for value in (None, True, False)):
        raise _wrong("taxable", "must be true, false or None")
    if sold.taxable and sold.tax_rate is None:
        raise _wrong(
            "tax_rate", "a single-purpose voucher needs the rate of the VAT that is paid at its sale"
        )
    if sold.tax_rate is not None and not _is_rate(sold.tax_rate):
        raise _wrong("tax_rate", "must be a Decimal in percent, from 0 to 100, with at most two places")


def _is_rate(rate: object) -> bool:
    if not isinstance(rate, Decimal) or not rate.is_finite() or not 0 <= rate <= 100:
        return False
    return rate == rate.quantize(Decimal("0.01"))


def _check_text(name: str, value: object, most: int) -> None:
    if not isinstance(value, str) or len(value) > most or _has_control(value):
        raise _wrong(name, f"must be a text of at most {most} characters, in one line")


def _has_control(text: str, *, allowed: str = "") -> bool:
    """Return whether a control character is in ``text``, a line end, or half a character. The joiners of Persian names
    and of emojis, which ``isprintable`` refuses, are none."""
    return any(unicodedata.category(each) in ("Cc", "Cs", "Zl", "Zp") for each in text if each not in allowed)


def _wrong(name: str, problem: str) -> PaymentStateError:
    return PaymentStateError(f"{name}: {problem}. Nothing was sent.", code="sold_voucher_malformed")
