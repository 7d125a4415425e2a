"""An order line keeps its key: which sale is that of each voucher of an order, whatever the quantity of its line is."""

from collections.abc import Iterable
from dataclasses import replace

from voucher_payment_gateway.exceptions import WrongStateError
from voucher_payment_gateway.models import VoucherSale
from voucher_payment_gateway.models.sale import KEY_IS_FREE
from voucher_payment_gateway.rules.sales import matched_by_key
from voucher_payment_gateway.sold import SoldVoucher

__all__ = ["SoldLines", "keys_of_other_origins", "refuse_changed_keys", "refuse_other_origins"]


class SoldLines:
    """The sales of an order beside the vouchers that it sells now."""

    def __init__(self, rows: Iterable[VoucherSale], sold: Iterable[SoldVoucher]) -> None:
        """``rows``: all that the order ever sold, oldest first."""
        last = {sale.key: sale for sale in rows if sale.origin == "sold"}
        self.known = {key: sale for key, sale in last.items() if sale.end_reason not in KEY_IS_FREE}
        """Those that stand, and those that were taken back, by key."""
        self.given_up = {key: sale for key, sale in last.items() if sale.end_reason == "unpaid"}
        """Those that were given up as unpaid, and that no other one has followed."""
        taken_back = [key for key, sale in self.known.items() if sale.target == "taken_back"]
        self._keys = matched_by_key(
            self.known.keys() - set(taken_back),
            {voucher.key: voucher.quantity for voucher in sold},
            given_up=self.given_up,
            taken_back=taken_back,
        )

    def sale_of(self, voucher: SoldVoucher) -> VoucherSale | None:
        """Return the sale of a voucher; one that was taken back only where no other one is left."""
        return self.known.get(self._keys.get(voucher.key, voucher.key))

    def given_up_of(self, voucher: SoldVoucher) -> VoucherSale | None:
        """Return the sale that a new one of this voucher follows, since it was given up."""
        return self.given_up.get(self._keys.get(voucher.key, voucher.key))

    def not_wanted(self) -> list[VoucherSale]:
        """Return the sales that no line of the order has any more."""
        every = {**self.given_up, **self.known}
        return [sale for key, sale in every.items() if key not in self._keys.values()]

    def under_its_key(self, voucher: SoldVoucher) -> SoldVoucher:
        """Return a new voucher under the key of the sale that it replaces or follows: its own may be the key of one
        that was taken back alone."""
        return replace(voucher, key=self._keys.get(voucher.key, voucher.key))


def refuse_changed_keys(left: Iterable[VoucherSale]) -> None:
    """Raise WrongStateError (``line_key_changed``) where one of ``left``, the sales that no line of the order has any
    more, is active, while the order sells a voucher under a new key: a shop that deletes its lines and writes them
    again would sell each voucher twice. Nothing was sent."""
    for sale in left:
        if sale.status == sale.target == "active":
            raise WrongStateError(
                f"order {sale.order_number}: no line has the key {sale.key!r} any more, and its gift voucher "
                f"…{sale.code_hint} is active: another one is not sold in its place. Give a line the same key at every "
                "call, or take the voucher back first. Nothing was sent.",
                code="line_key_changed",
            )


def keys_of_other_origins(number: str, sold: Iterable[SoldVoucher]) -> dict[str, VoucherSale]:
    """Return the sales that have the key of one of these vouchers and were not sold, such as imported ones, by key."""
    keys = [voucher.key for voucher in sold]
    others = VoucherSale.current.of_order(number).standing().exclude(origin="sold").filter(key__in=keys)
    return {sale.key: sale for sale in others} if keys else {}


def refuse_other_origins(number: str, new: Iterable[SoldVoucher]) -> None:
    """Raise WrongStateError (``key_reused``) where one of the ``new`` vouchers has the key of one that was not sold: a
    key is unique per order. Nothing was sent."""
    for key, sale in keys_of_other_origins(number, new).items():
        raise WrongStateError(
            f"order {number}: the key {key!r} is that of a gift voucher that it did not sell ({sale.origin}): give the "
            "line another key. Nothing was sent.",
            code="key_reused",
        )
