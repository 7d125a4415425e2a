"""The vouchers of the Voucher Cloud: created, activated, deactivated, deleted and recharged, in integer cents.

It shares no code with the package. ``by`` identifies the operation that made a call; only the oracle reads it.
"""

from dataclasses import dataclass, field
from random import Random
from typing import Any

from tests.proofs.simulation.remote import Behaviour, Hold, RefusalError, Remote, Row, Voucher

__all__ = ["SaleBehaviour", "SaleRemote", "SoldVoucher"]


@dataclass(frozen=True, slots=True)
class SaleBehaviour:
    """One interpretation of what the API's documentation leaves open about vouchers."""

    same_status_is_refused: bool = False
    held_can_be_deleted: bool = False
    holds_outlive_status: bool = False
    """Whether a hold of a voucher that was set inactive can still be charged. One that does not lower the balance is
    seen by no one before it is charged."""
    only_active_are_recharged: bool = True
    refuses_new_vouchers: bool = False
    creation_tells_code: bool = True

    @classmethod
    def drawn(cls, random: Random, behaviour: Behaviour) -> "SaleBehaviour":
        return cls(
            same_status_is_refused=random.random() < 0.3,
            held_can_be_deleted=random.random() < 0.5,
            holds_outlive_status=random.random() < 0.5,
            only_active_are_recharged=random.random() < 0.5,
            refuses_new_vouchers=random.random() < 0.02,
            creation_tells_code=random.random() < 0.8,
        )


@dataclass(slots=True)
class SoldVoucher(Voucher):
    status: str = "active"
    worth: int = 0
    """Its cents when it was created."""
    code: str = ""
    by: Any = None
    activated_at: list[float] = field(default_factory=list)


class SaleRemote(Remote):
    """All vouchers, those that are sold and those that were there before. A deleted one keeps its id."""

    vouchers: dict[str, SoldVoucher]  # type: ignore[assignment]

    def __init__(
        self, random: Random, behaviour: Behaviour, of_sales: SaleBehaviour, balances: list[int]
    ) -> None:
        super().__init__(random, behaviour, [])
        self.of_sales = of_sales
        for place, cents in enumerate(balances):
            self.vouchers[f"v{place}"] = SoldVoucher(f"v{place}", cents, worth=cents)

    def create(self, now: float, voucher_id: str, cents: int, by: Any) -> str:
        """Create an inactive voucher under an id of the caller's own; an id is given once. Return its code, or ""."""
        if voucher_id in self.vouchers or self.of_sales.refuses_new_vouchers:
            raise RefusalError("taken")
        code = format(self.random.getrandbits(40), "010x")
        self.vouchers[voucher_id] = SoldVoucher(
            voucher_id, cents, status="inactive", worth=cents, code=code, by=by
        )
        return code if self.of_sales.creation_tells_code else ""

    def read(self, now: float, voucher_id: str) -> tuple[str, int, int, str] | None:
        """Return its status, its balance, its worth and its code; None where there is none, or none any more."""
        voucher = self.vouchers.get(voucher_id)
        if voucher is None or voucher.status == "deleted":
            return None
        status = "inactive" if voucher.status == "expired" else voucher.status
        return status, voucher.balance - self._held(now, voucher), voucher.worth, voucher.code

    def set_status(self, now: float, voucher_id: str, status: str) -> None:
        voucher = self._existing(voucher_id)
        if voucher.status == "expired" or (voucher.status == status and self.of_sales.same_status_is_refused):
            raise RefusalError("status")
        if status == "active" and voucher.status != "active":
            voucher.activated_at.append(now)
        voucher.status = status

    def delete(self, now: float, voucher_id: str) -> None:
        """Delete a voucher that has no bookings."""
        voucher = self._existing(voucher_id)
        is_held = bool(voucher.hold and now < voucher.hold.ends_at)
        if voucher.rows or (is_held and not self.of_sales.held_can_be_deleted):
            raise RefusalError("used")
        voucher.status = "deleted"
        self._end(voucher)

    def recharge(self, now: float, voucher_id: str, cents: int, number: str, client_id: str, by: Any) -> Row:
        voucher = self._existing(voucher_id)
        if voucher.status != "active" and self.of_sales.only_active_are_recharged:
            raise RefusalError("inactive")
        if self.behaviour.numbers_are_unique and any(
            row.order_number == number and row.type == "recharge" for row in voucher.rows
        ):
            raise RefusalError("number")
        voucher.balance += cents
        return self._booked(now, voucher, "recharge", cents, number, client_id, "", by)

    def reserve(self, now: float, voucher_id: str, cents: int) -> Hold:
        if self._existing(voucher_id).status != "active":
            raise RefusalError("inactive")
        return super().reserve(now, voucher_id, cents)

    def validated(self, now: float, hold_id: str) -> Hold:
        hold = super().validated(now, hold_id)
        self._refuse_ended(hold.voucher_id)
        return hold

    def book(self, now: float, hold: Hold, number: str, client_id: str, by: Any) -> Row:
        self._refuse_ended(hold.voucher_id)
        return super().book(now, hold, number, client_id, by)

    def refund(self, now: float, charge_id: str, cents: int, client_id: str, by: Any) -> Row:
        if self._voucher_of(self._rows[charge_id]).status != "active":  # type: ignore[attr-defined]
            raise RefusalError("inactive")
        return super().refund(now, charge_id, cents, client_id, by)

    def bookings(self, now: float, voucher_id: str, number: str | None = None) -> list[Row]:
        self._existing(voucher_id)
        return super().bookings(now, voucher_id, number)

    def end_voucher(self, voucher_id: str, status: str) -> None:
        """The voucher expires, or an operator deactivates or deletes it."""
        self.vouchers[voucher_id].status = status

    def _existing(self, voucher_id: str) -> SoldVoucher:
        voucher = self.vouchers.get(voucher_id)
        if voucher is None or voucher.status == "deleted":
            raise RefusalError("not found")
        return voucher

    def _refuse_ended(self, voucher_id: str) -> None:
        if self._existing(voucher_id).status != "active" and not self.of_sales.holds_outlive_status:
            raise RefusalError("inactive")

    def _held(self, now: float, voucher: Voucher) -> int:
        is_held = voucher.hold and now < voucher.hold.ends_at and not voucher.hold.charged_as
        if not self.behaviour.open_hold_lowers_balance or not is_held:
            return 0
        return voucher.hold.cents if voucher.hold else 0
