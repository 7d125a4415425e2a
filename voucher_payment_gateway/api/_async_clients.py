"""The client of the Voucher Cloud for asyncio: the same names, signatures and promises as for threads."""

from collections.abc import AsyncIterator, Callable
from datetime import datetime
from decimal import Decimal
from typing import Literal, TypeVar

from voucher_payment_gateway.api import _calls
from voucher_payment_gateway.api._base import forgetting_async
from voucher_payment_gateway.api._clients import VoucherCloud
from voucher_payment_gateway.api._drivers import SuspendingClient, given
from voucher_payment_gateway.api.wire import Charge, ClientCredentials, CompleteVoucher, Reservation, Voucher

Class = TypeVar("Class", bound=type)


def _documented_like(twin: type) -> Callable[[Class], Class]:
    """Give every operation the docstring of its twin, so that each promise is written once."""

    def documented(own: Class) -> Class:
        for name, operation in vars(own).items():
            if callable(operation) and not name.startswith("_"):
                operation.__doc__ = getattr(twin, name).__doc__
        return own

    return documented


@_documented_like(VoucherCloud)
class AsyncVoucherCloud(SuspendingClient):
    """The Voucher Cloud API 1.8 for asyncio; one client serves one event loop. An async context manager.

    Names, signatures, bounds and errors are those of ``VoucherCloud``; operations are awaited, lists are
    async iterators. Cancelling a call that may change something leaves its outcome unknown.
    """

    async def authenticate(self) -> None:
        given(await self._carry(lambda session: self._course.authenticate(session.lock)))

    @forgetting_async
    async def connect(self, pin: str) -> ClientCredentials:
        return await self._send(_calls.connect(pin))

    async def disconnect(self) -> None:
        await self._send(_calls.disconnect())

    @forgetting_async
    async def create_voucher(
        self,
        *,
        amount: Decimal,
        currency: str,
        id: str | None = None,
        code: str | None = None,
        pin: str | None = None,
        sku: str | None = None,
        batch: str | None = None,
        validity_value: int | None = None,
        validity_interval: Literal["days", "weeks", "months", "years"] | None = None,
        type: str | None = None,
        taxable: bool | None = None,
        tax_rate: Decimal | None = None,
        order_number: str | None = None,
        data: str | None = None,
    ) -> CompleteVoucher:
        return await self._send(
            _calls.create_voucher(
                amount=amount,
                currency=currency,
                id=id,
                code=code,
                pin=pin,
                sku=sku,
                batch=batch,
                validity_value=validity_value,
                validity_interval=validity_interval,
                type=type,
                taxable=taxable,
                tax_rate=tax_rate,
                order_number=order_number,
                data=data,
            )
        )

    def list_vouchers(
        self,
        *,
        created_from: datetime | None = None,
        created_to: datetime | None = None,
        order_number: str | None = None,
        per_page: int | None = None,
    ) -> AsyncIterator[Voucher]:
        return self._rows(
            Voucher,
            _calls.list_vouchers(
                created_from=created_from, created_to=created_to, order_number=order_number, per_page=per_page
            ),
        )

    async def get_voucher(self, id: str) -> Voucher:
        return await self._send(_calls.get_voucher(id))

    async def get_complete_voucher(self, id: str) -> CompleteVoucher:
        return await self._send(_calls.get_complete_voucher(id))

    async def update_voucher(self, id: str, *, sku: str | None = None, batch: str | None = None) -> Voucher:
        return await self._send(_calls.update_voucher(id, sku=sku, batch=batch))

    async def set_voucher_status(
        self, id: str, status: Literal["active", "inactive"], comment: str
    ) -> Voucher:
        return await self._send(_calls.set_voucher_status(id, status, comment))

    async def delete_voucher(self, id: str, comment: str) -> None:
        await self._send(_calls.delete_voucher(id, comment))

    @forgetting_async
    async def recharge_voucher(
        self,
        *,
        amount: Decimal,
        currency: str,
        order_number: str,
        code: str | None = None,
        id: str | None = None,
    ) -> Charge:
        return await self._send(
            _calls.recharge_voucher(
                amount=amount, currency=currency, order_number=order_number, code=code, id=id
            )
        )

    def list_voucher_charges(
        self,
        voucher_id: str,
        *,
        order_number: str | None = None,
        created_from: datetime | None = None,
        created_to: datetime | None = None,
        per_page: int | None = None,
    ) -> AsyncIterator[Charge]:
        return self._rows(
            Charge,
            _calls.list_voucher_charges(
                voucher_id,
                order_number=order_number,
                created_from=created_from,
                created_to=created_to,
                per_page=per_page,
            ),
        )

    async def get_voucher_charge(self, id: str, charge_id: str) -> Charge:
        return await self._send(_calls.get_voucher_charge(id, charge_id))

    @forgetting_async
    async def reserve(self, *, code: str, amount: Decimal, currency: str, pin: str = "") -> Reservation:
        return await self._send(_calls.reserve(code=code, amount=amount, currency=currency, pin=pin))

    async def charge(self, reservation_id: str, order_number: str) -> Charge:
        return await self._send(_calls.charge(reservation_id, order_number))

    async def refund(self, charge_id: str, amount: Decimal, currency: str) -> Charge:
        return await self._send(_calls.refund(charge_id, amount, currency))

    async def cancel_reservation(self, reservation_id: str) -> None:
        await self._send(_calls.cancel_reservation(reservation_id))
