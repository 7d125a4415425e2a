"""The client of the Voucher Cloud for asyncio: names, signatures and promises are those of the client for threads."""

from collections.abc import AsyncIterator, Callable
from decimal import Decimal
from typing import Literal, TypeVar, Unpack

from voucher_payment_gateway.api import _calls
from voucher_payment_gateway.api._calls import NewVoucher
from voucher_payment_gateway.api._clients import VoucherCloud
from voucher_payment_gateway.api._drivers import AsyncDriver, value_or_raise
from voucher_payment_gateway.api._filters import Filters
from voucher_payment_gateway.api._keywords import spells_out
from voucher_payment_gateway.api.wire import Charge, ClientCredentials, CompleteVoucher, Reservation, Voucher
from voucher_payment_gateway.opaque import strip_traceback_async
from voucher_payment_gateway.telemetry import counted_if_failed

Class = TypeVar("Class", bound=type)


def _documented_like(twin: type) -> Callable[[Class], Class]:
    """Give every operation the docstring of its sync counterpart, so that each promise is written once."""

    def documented(own: Class) -> Class:
        for name, operation in vars(own).items():
            if callable(operation) and not name.startswith("_"):
                operation.__doc__ = getattr(twin, name).__doc__
        return own

    return documented


@_documented_like(VoucherCloud)
class AsyncVoucherCloud(AsyncDriver):
    """The Voucher Cloud API 1.8 for asyncio; one client serves one event loop. An async context manager.

    Names, signatures, bounds and errors are those of ``VoucherCloud``; operations are awaited, lists are
    async iterators. Cancelling a call that may change something leaves its outcome unknown.
    """

    async def authenticate(self) -> None:
        with counted_if_failed("POST /oauth/token"):
            value_or_raise(await self._drive(lambda session: self._flow.authenticate(session.lock)))

    @strip_traceback_async
    async def connect(self, pin: str) -> ClientCredentials:
        return await self._send(_calls.connect(pin))

    async def disconnect(self) -> None:
        await self._send(_calls.disconnect())

    @strip_traceback_async
    @spells_out(NewVoucher)
    async def create_voucher(self, **arguments: Unpack[NewVoucher]) -> CompleteVoucher:
        return await self._send(_calls.create_voucher(**arguments))

    @spells_out(Filters)
    def list_vouchers(self, **filters: Unpack[Filters]) -> AsyncIterator[Voucher]:
        return self._rows(Voucher, _calls.list_vouchers(**filters))

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

    @strip_traceback_async
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

    @spells_out(Filters)
    def list_voucher_charges(self, voucher_id: str, **filters: Unpack[Filters]) -> AsyncIterator[Charge]:
        return self._rows(Charge, _calls.list_voucher_charges(voucher_id, **filters))

    async def get_voucher_charge(self, id: str, charge_id: str) -> Charge:
        return await self._send(_calls.get_voucher_charge(id, charge_id))

    @strip_traceback_async
    async def reserve(self, *, code: str, amount: Decimal, currency: str, pin: str = "") -> Reservation:
        return await self._send(_calls.reserve(code=code, amount=amount, currency=currency, pin=pin))

    async def charge(self, reservation_id: str, order_number: str) -> Charge:
        return await self._send(_calls.charge(reservation_id, order_number))

    async def refund(self, charge_id: str, amount: Decimal, currency: str) -> Charge:
        return await self._send(_calls.refund(charge_id, amount, currency))

    async def cancel_reservation(self, reservation_id: str) -> None:
        await self._send(_calls.cancel_reservation(reservation_id))
