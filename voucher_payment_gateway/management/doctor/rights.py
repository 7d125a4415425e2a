"""The rights (scopes) of the client group: the call that shows each, and what is not possible without it.

Three rights are proved by a read. No read needs the other four, so each is tried with its least harmful call, on an id
that cannot exist: there is nothing to change, however the API behaves.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

from voucher_payment_gateway.api import VoucherCloud
from voucher_payment_gateway.conf import GatewaySettings
from voucher_payment_gateway.money import CENT

__all__ = ["RIGHTS", "Right", "needed_for_selling", "rights_of"]


@dataclass(frozen=True)
class Right:
    """A right of the client group, a call that needs it, and the consequence of its absence."""

    scope: str
    consequence: str
    try_call: Callable[[VoucherCloud, str], object] | None
    """Takes an id that cannot exist. If it is refused as not found, the right is most likely granted. None: the list of
    vouchers, which was asked for before."""
    is_needed: bool = True
    """Whether the shop needs it: payments do, or what its settings say that it sells or refunds."""


RIGHTS = (
    Right(
        "read",
        "balances cannot be read: a voucher that holds less than is due is refused instead of paying a part",
        lambda cloud, no_such_id: cloud.get_voucher(no_such_id),
    ),
    Right(
        "read-lists",
        "charges and refunds whose answer was lost cannot be resolved, and no refund is sent at all",
        None,
    ),
    Right(
        "use",
        "nothing can be reserved, charged, refunded or activated: no voucher can pay",
        lambda cloud, no_such_id: cloud.set_voucher_status(no_such_id, "inactive", "voucher_doctor"),
    ),
    Right(
        "read-secrets",
        "the code of a voucher can be read only in the answer that creates it; payments do not need it",
        lambda cloud, no_such_id: cloud.get_complete_voucher(no_such_id),
        is_needed=False,
    ),
    Right(
        "manage",
        "vouchers cannot be created or deleted; payments do not need it",
        lambda cloud, no_such_id: cloud.delete_voucher(no_such_id, "voucher_doctor"),
        is_needed=False,
    ),
    Right(
        "update",
        "SKU and batch of vouchers cannot be changed; payments do not need it",
        lambda cloud, no_such_id: cloud.update_voucher(no_such_id, sku="voucher_doctor"),
        is_needed=False,
    ),
    Right(
        "recharge",
        "vouchers cannot be topped up; payments do not need it",
        lambda cloud, no_such_id: cloud.recharge_voucher(
            amount=CENT, currency="EUR", order_number=no_such_id, id=no_such_id
        ),
        is_needed=False,
    ),
)
"""In this order they are reported: the finding about a later one may depend on an earlier one."""

WITHOUT_WHILE_SELLING = {
    "read": "balances cannot be read: a voucher that holds less than is due is refused instead of paying a part, and "
    "a sold voucher whose activation was not answered stays as it is",
    "use": "nothing can be reserved, charged, refunded or activated: no voucher can pay, and no sold one becomes valid",
    "read-secrets": "the code of a sold voucher is lost where the answer that creates it is, and cannot be sent again",
    "manage": "no voucher can be sold: none can be created, and none of a returned order deleted",
}
WITHOUT_WHILE_RECHARGING = {
    "recharge": 'a refund that a voucher cannot take is not recharged, though REFUND_FALLBACK has "recharge"',
}


def needed_for_selling(settings: GatewaySettings) -> dict[str, str]:
    """Return the rights that the shop needs to sell vouchers and to give refunds as it has set, each with the
    consequence of its absence; none for a shop that only takes vouchers."""
    selling = WITHOUT_WHILE_SELLING if settings.SOLD_VOUCHERS else {}
    return selling | (WITHOUT_WHILE_RECHARGING if "recharge" in settings.REFUND_FALLBACK else {})


def rights_of(settings: GatewaySettings) -> list[Right]:
    """Return all rights, with what their absence means for a shop with these settings."""
    needed = needed_for_selling(settings)
    return [
        replace(right, consequence=needed[right.scope], is_needed=True) if right.scope in needed else right
        for right in RIGHTS
    ]
