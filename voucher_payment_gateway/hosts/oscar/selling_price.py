"""A gift voucher costs the amount that its buyer has entered."""

from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Any

from django.db.models.signals import post_save
from oscar.core.loading import get_class, get_model

from voucher_payment_gateway.hosts.oscar.conf import oscar_settings
from voucher_payment_gateway.hosts.oscar.selling import AMOUNT, entered, is_gift_voucher
from voucher_payment_gateway.money import ZERO

if TYPE_CHECKING:
    Strategy = Any
else:
    Strategy = object

__all__ = ["OwnAmountMixin", "bounds", "connect", "own_amount"]


class OwnAmountMixin(Strategy):
    """For the shop's strategy: the price of a gift voucher is the amount of its option, without tax.

    An amount out of bounds is none: then the line costs what its stock record says, and is worth that.
    """

    def fetch_for_line(self, line: Any, stockrecord: Any = None) -> Any:
        info = super().fetch_for_line(line, stockrecord)
        amount = own_amount(line)
        return info if amount is None else info._replace(price=_price(info.price.currency, amount))


def bounds() -> tuple[Decimal, Decimal]:
    """Return the least and the highest amount that a buyer may choose, in the shop's currency."""
    return oscar_settings().LEAST_AMOUNT, oscar_settings().MOST_AMOUNT


def own_amount(line: Any) -> Decimal | None:
    """Return the amount that the buyer has entered for a gift voucher, None where there is no usable one."""
    given = entered(line).get(AMOUNT)
    if given in (None, "") or not is_gift_voucher(line):
        return None
    least, most = bounds()
    try:
        amount = Decimal(str(given))
        is_usable = least <= amount <= most and amount == amount.quantize(Decimal("0.01"))
    except InvalidOperation:
        return None
    return amount.quantize(Decimal("0.01")) if is_usable else None


def connect() -> None:
    """Keep the price that is stored with a line of the basket: else Oscar tells the buyer that it has changed."""
    line_attribute = get_model("basket", "LineAttribute")
    post_save.connect(_store_price, line_attribute, dispatch_uid="voucher_gateway_oscar.own_amount")


def _store_price(instance: Any, raw: bool = False, **_: Any) -> None:
    if raw or instance.option.code != AMOUNT:
        return
    if (amount := own_amount(instance.line)) is not None:
        rows = type(instance.line)._default_manager.filter(pk=instance.line.pk)
        rows.update(price_excl_tax=amount, price_incl_tax=amount)


def _price(currency: str, amount: Decimal) -> Any:
    return get_class("partner.prices", "FixedPrice")(currency=currency, excl_tax=amount, tax=ZERO)
