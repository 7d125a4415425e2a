"""The hooks by which the suite drives a shop: four that each shop defines, and others with a default."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any, ClassVar, Literal, NoReturn

from django.db.models import Model

from voucher_payment_gateway import gateway
from voucher_payment_gateway.orders import known_number
from voucher_payment_gateway.sandbox import DOCUMENTED, Behaviour
from voucher_payment_gateway.testing.conformance import visitor
from voucher_payment_gateway.testing.conformance.skips import skip_without_hook

__all__ = ["OPTIONAL_HOOKS", "REQUIRED_HOOKS", "Hooks"]

REQUIRED_HOOKS = ("make_order", "confirm", "ship", "return_goods")
OPTIONAL_HOOKS = (
    *(
        "enter_voucher",
        "remove_voucher",
        "new_code",
        "confirm_declined",
        "cancel",
        "ship_part",
        "return_part",
    ),
    *("change_total", "delete", "save", "reload", "number_of", "due_of", "paid_otherwise", "voucher_fields"),
)


class Hooks:
    """What the shop tells the suite about itself.

    An ``order`` is whatever the shop's hooks give and take: a model instance, a wrapper around a test client, a number.
    A hook returns once the shop has done the step, and raises any exception where the shop refuses it.
    """

    cannot: ClassVar[Mapping[str, str]] = {}
    """What the shop cannot do, and why: names of situations, or of optional hooks for all that need them."""
    currency: ClassVar[str] = "EUR"
    """The currency of the orders."""
    charges_on: ClassVar[Literal["ship", "confirm"]] = "ship"
    """When the shop charges: ``"confirm"`` where ``CAPTURE`` is ``"immediate"``, or what it sells needs no parcel."""
    behaviour: ClassVar[Behaviour] = DOCUMENTED
    """How the local Voucher Cloud behaves where the documentation leaves it open."""

    def make_order(self, total: Decimal) -> Any:
        """Return a new order of ``total``, not paid yet. Called several times in some situations."""
        raise NotImplementedError("make_order(total): return a new order of this shop")

    def confirm(self, order: Any) -> None:
        """Place the order as the customer does; what vouchers leave is paid by another method, if the shop has one."""
        raise NotImplementedError("confirm(order): place the order, as the customer does")

    def ship(self, order: Any) -> None:
        """Send the goods: the step at which the shop charges."""
        raise NotImplementedError("ship(order): send the goods of the order")

    def return_goods(self, order: Any) -> None:
        """Take all goods back: the step at which the shop gives the whole payment back."""
        raise NotImplementedError("return_goods(order): take the goods of the order back")

    def enter_voucher(self, order: Any, code: str, pin: str = "") -> None:
        """Enter a code at the checkout. Default: ``checkout.enter_voucher`` with a request of a visitor."""
        visitor.enter_voucher(self, order, code, pin)

    def remove_voucher(self, order: Any, code: str) -> None:
        """Take a voucher off an order that is not placed yet. Default: ``gateway.cancel`` of its payment."""
        visitor.remove_voucher(self.number_of(order), code)

    def new_code(self) -> str:
        """Return the code for a new voucher that the shop's ``CODE_PATTERN`` accepts. Default: a random one."""
        return ""

    def confirm_declined(self, order: Any) -> None:
        """Place the order, while the other method declines what the vouchers leave; raise, as the shop does then."""
        self._needs("confirm_declined")

    def cancel(self, order: Any) -> None:
        """Cancel the order."""
        self._needs("cancel")

    def ship_part(self, order: Any, amount: Decimal) -> None:
        """Send a part of the goods that is worth ``amount``; what is left follows by ``ship_part`` or ``ship``."""
        self._needs("ship_part")

    def return_part(self, order: Any, amount: Decimal) -> None:
        """Take a part of the goods back that is worth ``amount``; each call is another part."""
        self._needs("return_part")

    def change_total(self, order: Any, total: Decimal) -> None:
        """Change what the order costs, before or after it is placed."""
        self._needs("change_total")

    def delete(self, order: Any) -> None:
        """Delete the order. Default: that of the row, where an order is a model instance."""
        row = self.reload(order)
        if not isinstance(row, Model):
            self._needs("delete")
        row.delete()

    def save(self, order: Any) -> None:
        """Save what ``reload`` returned a while ago. Default: ``save()``, where that is a model instance."""
        if not isinstance(order, Model):
            self._needs("save")
        order.save()

    def reload(self, order: Any) -> Any:
        """Return the order as it is stored now. Default: the row is read again, where an order is a model instance."""
        return type(order)._base_manager.get(pk=order.pk) if isinstance(order, Model) else order

    def number_of(self, order: Any) -> str:
        """Return the number by which the payments know the order. Default: the one that settings name."""
        return known_number(order)

    def due_of(self, order: Any) -> Decimal:
        """Return what the shop asks for by another method. Default: ``gateway.cover(order).due``."""
        return gateway.cover(self.reload(order)).due

    def paid_otherwise(self, order: Any) -> Decimal:
        """Return what another method was asked for, once the order is placed."""
        self._needs("paid_otherwise")

    def voucher_fields(self, order: Any) -> Mapping[str, Any]:
        """Return what the shop stores with the order, by name; ``voucher_reservation_ids`` among it, if there is such a
        column. Default: the columns of the row, where an order is a model instance."""
        row = self.reload(order)
        if not isinstance(row, Model):
            self._needs("voucher_fields")
        return {field.name: field.value_from_object(row) for field in row._meta.concrete_fields}

    def _needs(self, hook: str) -> NoReturn:
        skip_without_hook(hook, self.cannot)
