"""The local Voucher Cloud: the object that tests, the server and the transport use."""

import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, NamedTuple

from voucher_payment_gateway.sandbox import charges, clients, http, reservations, vouchers
from voucher_payment_gateway.sandbox.behaviour import DOCUMENTED, Behaviour
from voucher_payment_gateway.sandbox.clients import LOCAL_CLIENT_ID, SCOPES
from voucher_payment_gateway.sandbox.clock import Clock
from voucher_payment_gateway.sandbox.documents import amount_text
from voucher_payment_gateway.sandbox.faults import Faults
from voucher_payment_gateway.sandbox.ledger import Ledger
from voucher_payment_gateway.sandbox.messages import Request, Response
from voucher_payment_gateway.sandbox.records import Booking, Client, State, Voucher
from voucher_payment_gateway.sandbox.storage import StateFile
from voucher_payment_gateway.sandbox.store import Store

__all__ = ["BookingView", "ClientView", "LocalVoucherCloud", "RequestRecord", "VoucherView"]


class RequestRecord(NamedTuple):
    """A request that was received, without query, headers and body."""

    method: str
    path: str
    at: datetime


@dataclass(frozen=True)
class ClientView:
    """A client with its credentials."""

    id: str
    secret: str
    name: str
    group_id: str
    scopes: tuple[str, ...]


@dataclass(frozen=True)
class VoucherView:
    """The present state of a voucher; amounts in units of ``currency``."""

    id: str
    code: str
    pin: str
    amount: Decimal
    balance: Decimal
    held: Decimal
    currency: str
    status: str
    valid_until: datetime | None


@dataclass(frozen=True)
class BookingView:
    """A charge, refund or recharge; ``charge_id`` (of a refund: its charge) is never in the API's answers."""

    id: str
    type: str
    amount: Decimal
    order_number: str | None
    client_id: str
    created_at: datetime
    charge_id: str


class LocalVoucherCloud:
    """A test double of the Voucher Cloud, in process (``mock_transport``) or behind real HTTP (``serve``).

    ``clock`` defaults to one that runs with the system's; ``state_file`` is loaded now and written after each
    change. Thread-safe: one lock guards the store, and no thread waits for a client while holding it.
    """

    def __init__(
        self,
        clock: Clock | None = None,
        behaviour: Behaviour = DOCUMENTED,
        *,
        state_file: str | os.PathLike[str] | None = None,
    ) -> None:
        self.clock = clock or Clock()
        self._file = StateFile(state_file) if state_file is not None else None
        state = self._file.load() if self._file is not None else State()
        self.store = Store(state, self.clock, behaviour)
        if state.clock_offset_seconds:
            self.clock.advance(state.clock_offset_seconds)
        self.faults = Faults(self.clock)
        self.token_seconds = 3600
        """Lifetime of tokens granted from now on."""
        self.requests: list[RequestRecord] = []
        """Every request to the API, oldest first, including token requests and those that met a fault."""
        with self.changing():
            clients.ensure_local_client(self.store)

    @property
    def behaviour(self) -> Behaviour:
        """The values of the switches for undocumented behaviour; may be replaced at any time."""
        return self.store.behaviour

    @behaviour.setter
    def behaviour(self, behaviour: Behaviour) -> None:
        with self.store.lock:
            self.store.behaviour = behaviour

    @property
    def ledger(self) -> Ledger:
        """The independent double-entry ledger: ``check()``, ``entries(voucher_id=None)``."""
        return self.store.ledger

    @property
    def refusals(self) -> list[str]:
        """The reasons of the business errors so far, oldest first; the answers do not show them."""
        return self.store.refusals

    def answer(self, request: Request) -> Response:
        """Return the API's answer to a request, faults included."""
        self.clock.run_due()
        with self.store.lock:
            self.requests.append(RequestRecord(request.method, request.path, self.clock.now()))
        return self.faults.answer(request, self._process)

    def forget_requests(self) -> None:
        """Clear ``requests``."""
        with self.store.lock:
            self.requests.clear()

    def add_client(
        self,
        scopes: Iterable[str] = SCOPES,
        name: str = "Client",
        *,
        group_id: str = clients.LOCAL_GROUP_ID,
        type: str = "pos",
    ) -> ClientView:
        """Add a client with these scopes and return it with its secret."""
        with self.changing():
            return _client_view(clients.add_client(self.store, scopes, name, group_id, type))

    def issue_pin(self, client_id: str = LOCAL_CLIENT_ID) -> str:
        """Return a PIN that connects this client, once, within 30 minutes. Raises KeyError."""
        with self.changing():
            return clients.issue_pin(self.store, client_id).pin

    def revoke_tokens(self) -> None:
        """Invalidate every access token: the next call is answered with 401."""
        with self.changing():
            self.store.state.tokens.clear()
            self.store.mark_changed()

    def add_voucher(
        self,
        *,
        code: str = "",
        amount: Decimal | str = "20.00",
        currency: str = "EUR",
        pin: str = "",
        status: str = "active",
        id: str = "",
        group_id: str = "",
        valid_until: datetime | None = None,
        client_id: str = LOCAL_CLIENT_ID,
        **fields: Any,
    ) -> VoucherView:
        """Add a voucher without a request; it is active unless ``status`` says otherwise.

        ``fields`` are further fields of ``POST /vouchers`` (sku, batch, validity_value, taxable, …);
        ``group_id`` restricts it to one client group. Raises ApiError where the API would answer with an error.
        """
        named = {"amount": str(amount), "currency": currency, "code": code, "pin": pin, "id": id}
        with self.changing():
            voucher = vouchers.create(self.store, client_id, {**fields, **named}, id_field="id")
            voucher.group_id = group_id
            if status == "active":
                vouchers.activate(self.store, voucher)
            voucher.valid_until = valid_until or voucher.valid_until
            return self._view(voucher)

    def set_status(self, voucher_id: str, status: str) -> None:
        """Activate or deactivate a voucher, as the admin interface does."""
        with self.changing():
            vouchers.set_status(self.store, voucher_id, {"status": status, "comment": "by hand"})

    def reserve(
        self, code: str, amount: Decimal | str, *, pin: str = "", client_id: str = LOCAL_CLIENT_ID
    ) -> str:
        """Reserve without a request, as another till would; return the reservation's id. Raises ApiError."""
        with self.changing():
            voucher = self.store.voucher_by_code(code)
            currency = voucher.currency if voucher else "EUR"
            body = {"amount": str(amount), "currency": currency, "code": code, "pin": pin}
            return reservations.reserve(self.store, self.store.state.clients[client_id], body).id

    def charge(
        self, reservation_id: str, order_number: str, *, client_id: str = LOCAL_CLIENT_ID
    ) -> BookingView:
        """Charge without a request, as another till would. Raises ApiError."""
        with self.changing():
            client, body = self.store.state.clients[client_id], {"order_number": order_number}
            return _booking_view(reservations.charge(self.store, client, reservation_id, body))

    def refund(
        self, charge_id: str, amount: Decimal | str, *, client_id: str = LOCAL_CLIENT_ID
    ) -> BookingView:
        """Refund without a request, as a clerk would. Raises ApiError."""
        with self.changing():
            charge = self.store.state.bookings[charge_id]
            body = {"amount": str(amount), "currency": self.store.state.vouchers[charge.voucher_id].currency}
            return _booking_view(
                charges.refund(self.store, self.store.state.clients[client_id], charge_id, body)
            )

    def voucher(self, voucher_id: str) -> VoucherView:
        """Return the present state of a voucher. Raises ApiError for an unknown one."""
        self.clock.run_due()
        with self.store.lock:
            return self._view(self.store.voucher(voucher_id))

    def balance(self, voucher_id: str) -> Decimal:
        """Return the balance of a voucher, without subtracting open holds. Raises ApiError for an unknown one."""
        return self.voucher(voucher_id).balance

    def bookings(self, voucher_id: str) -> list[BookingView]:
        """Return every booking of a voucher, oldest first, also those that the API's lists do not show yet."""
        self.clock.run_due()
        with self.store.lock:
            return [_booking_view(each) for each in self.store.bookings_of(self.store.voucher(voucher_id))]

    @contextmanager
    def changing(self) -> Iterator[None]:
        """Hold the lock; at the end save the state if it changed, also after an error."""
        with self.store.lock:
            try:
                yield
            finally:
                if self.store.changed and self._file is not None:
                    self.store.state.clock_offset_seconds = self.clock.offset_seconds
                    self._file.save(self.store.state)
                self.store.changed = False

    def _process(self, request: Request) -> Response:
        with self.changing():
            answer = http.handle(self.store, request, token_seconds=self.token_seconds)
        shown = self.clock.now() + timedelta(seconds=self.behaviour.clock_offset_seconds)
        date = ("Date", shown.strftime("%a, %d %b %Y %H:%M:%S GMT"))
        return replace(answer, headers=(*answer.headers, date))

    def _view(self, voucher: Voucher) -> VoucherView:
        return VoucherView(
            voucher.id,
            voucher.code,
            voucher.pin,
            _decimal(voucher.amount_cents),
            _decimal(voucher.balance_cents),
            _decimal(self.store.held_cents(voucher)),
            voucher.currency,
            voucher.status,
            voucher.valid_until,
        )


def _decimal(cents: int) -> Decimal:
    return Decimal(amount_text(cents))


def _booking_view(booking: Booking) -> BookingView:
    return BookingView(
        booking.id,
        booking.type,
        _decimal(booking.amount_cents),
        booking.order_number,
        booking.client_id,
        booking.created_at,
        booking.charge_id,
    )


def _client_view(client: Client) -> ClientView:
    return ClientView(client.id, client.secret, client.name, client.group_id, tuple(client.scopes))
