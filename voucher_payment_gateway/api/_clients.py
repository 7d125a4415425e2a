"""The client of the Voucher Cloud for threads: thin, as ``_flow`` makes every decision."""

from collections.abc import Iterator
from decimal import Decimal
from typing import Literal, Unpack

from voucher_payment_gateway.api import _calls
from voucher_payment_gateway.api._calls import NewVoucher
from voucher_payment_gateway.api._drivers import SyncDriver, value_or_raise
from voucher_payment_gateway.api._filters import Filters
from voucher_payment_gateway.api._keywords import spells_out
from voucher_payment_gateway.api.wire import Charge, ClientCredentials, CompleteVoucher, Reservation, Voucher
from voucher_payment_gateway.opaque import strip_traceback
from voucher_payment_gateway.telemetry import counted_if_failed


class VoucherCloud(SyncDriver):
    """The Voucher Cloud API 1.8 for threads; one client serves a whole process. A context manager.

    Every call ends within ``deadline_seconds``, token request and retries included; one wait for the network
    takes at most ``timeout_seconds``. Reads are retried; a call that may change something is sent once. Every
    failure is one error of ``voucher_payment_gateway.exceptions``; arguments that cannot be sent raise
    ValueError or AmountError first.
    """

    def authenticate(self) -> None:
        """Request a token, unless a valid one is cached, so that the next call needs no token request.

        Raises CredentialsError, UnavailableError or ContractError; no money moved.
        """
        with counted_if_failed("POST /oauth/token"):
            value_or_raise(self._drive(lambda session: self._flow.authenticate(session.lock)))

    @strip_traceback
    def connect(self, pin: str) -> ClientCredentials:
        """Exchange a connect PIN of the admin interface (valid 30 minutes, used once) for credentials.

        Needs no token. Source: ``POST /clients/connect``.

        Raises RefusedError (wrong or expired PIN), UnavailableError (the PIN is still good),
        OutcomeUnknownError (take a new PIN: this one may be spent).
        """
        return self._send(_calls.connect(pin))

    def disconnect(self) -> None:
        """Disconnect this client for good: the API resets all its credentials, for every process that uses them.

        The access token is dropped, here and in the token store. To come back, ``connect`` with a new PIN.
        Source: ``POST /clients/disconnect``.

        Raises RefusedError or UnavailableError (still connected), CredentialsError (not now, or it was before),
        OutcomeUnknownError (perhaps disconnected: then ``authenticate`` raises CredentialsError).
        """
        self._send(_calls.disconnect())

    @strip_traceback
    @spells_out(NewVoucher)
    def create_voucher(self, **arguments: Unpack[NewVoucher]) -> CompleteVoucher:
        """Create an inactive voucher worth ``amount``, 0.00 to 99999.99 in units of ``currency``.

        0.00 is for one that is recharged later, such as a customer card.
        Send an ``id`` of your own (unique, up to 255 characters): only then is a retry after a lost response
        refused instead of creating a second voucher. ``tax_rate`` is in percent, ``batch`` has up to 30
        characters. Where the answer lacks the code, ``get_complete_voucher`` has it.
        Source: ``POST /vouchers``.

        Raises RefusedError or UnavailableError (nothing created), OutcomeUnknownError (read it by its id).
        """
        return self._send(_calls.create_voucher(**arguments))

    @spells_out(Filters)
    def list_vouchers(self, **filters: Unpack[Filters]) -> Iterator[Voucher]:
        """Yield the vouchers over all pages, each page fetched when it is reached, in no documented order.

        The filters ask the API; only ``created_from`` is documented for this call, so compare again. Instants
        are aware. Source: ``GET /vouchers``.

        Iterating raises UnavailableError or ContractError where the list cannot be read to its end.
        """
        return self._rows(Voucher, _calls.list_vouchers(**filters))

    def get_voucher(self, id: str) -> Voucher:
        """Return the voucher with its ``remaining_amount``, without code and PIN.

        Source: ``GET /vouchers/{id}``.

        Raises RefusedError with ``http_status`` 404 where there is none; UnavailableError, ContractError.
        """
        return self._send(_calls.get_voucher(id))

    def get_complete_voucher(self, id: str) -> CompleteVoucher:
        """Return the voucher with its code and PIN, which are worth its balance.

        Needs the right ``read-secrets``. Source: ``GET /vouchers/{id}/complete``.

        Raises RefusedError with ``http_status`` 404 where there is none; UnavailableError, ContractError.
        """
        return self._send(_calls.get_complete_voucher(id))

    def update_voucher(self, id: str, *, sku: str | None = None, batch: str | None = None) -> Voucher:
        """Change ``sku`` (up to 255 characters) or ``batch`` (up to 30) of an inactive voucher.

        Repeating is safe. Source: ``PATCH /vouchers/{id}``.

        Raises RefusedError or UnavailableError (nothing changed), OutcomeUnknownError (read it).
        """
        return self._send(_calls.update_voucher(id, sku=sku, batch=batch))

    def set_voucher_status(self, id: str, status: Literal["active", "inactive"], comment: str) -> Voucher:
        """Activate or deactivate a voucher; ``comment`` (1 to 255 characters) is kept as the reason.

        Activation starts its validity; whether a second one starts it again is not documented.
        Source: ``PATCH /vouchers/{id}/status``.

        Raises RefusedError or UnavailableError (nothing changed), OutcomeUnknownError (read its status).
        """
        return self._send(_calls.set_voucher_status(id, status, comment))

    def delete_voucher(self, id: str, comment: str) -> None:
        """Delete an inactive voucher without charges; ``comment`` (1 to 255 characters) is kept as the reason.

        Source: ``DELETE /vouchers/{id}``.

        Raises RefusedError or UnavailableError (still there), OutcomeUnknownError (read it).
        """
        self._send(_calls.delete_voucher(id, comment))

    @strip_traceback
    def recharge_voucher(
        self,
        *,
        amount: Decimal,
        currency: str,
        order_number: str,
        code: str | None = None,
        id: str | None = None,
    ) -> Charge:
        """Add ``amount``, 0.01 to 99999.99 in the voucher's own ``currency``. Never retry it blindly.

        Give exactly one of ``code`` and ``id``. ``order_number`` is how the booking is found again.
        Not for taking back a charge: that is ``refund``. Source: ``POST /vouchers/recharge``.

        Raises RefusedError or UnavailableError (nothing added), OutcomeUnknownError (perhaps added).
        """
        return self._send(
            _calls.recharge_voucher(
                amount=amount, currency=currency, order_number=order_number, code=code, id=id
            )
        )

    @spells_out(Filters)
    def list_voucher_charges(self, voucher_id: str, **filters: Unpack[Filters]) -> Iterator[Charge]:
        """Yield charges, refunds and recharges of a voucher over all pages, each fetched when it is reached.

        The filters ask the API, which may match in part or not at all: compare again. A new booking may
        appear late. Instants are aware. Source: ``GET /vouchers/{id}/charges``.

        Iterating raises UnavailableError or ContractError where the list cannot be read to its end: then it
        proves nothing, neither presence nor absence.
        """
        return self._rows(Charge, _calls.list_voucher_charges(voucher_id, **filters))

    def get_voucher_charge(self, id: str, charge_id: str) -> Charge:
        """Return one booking of the voucher ``id``. Source: ``GET /vouchers/{id}/charges/{charge_id}``.

        Raises RefusedError with ``http_status`` 404 where there is none; UnavailableError, ContractError.
        """
        return self._send(_calls.get_voucher_charge(id, charge_id))

    @strip_traceback
    def reserve(self, *, code: str, amount: Decimal, currency: str, pin: str = "") -> Reservation:
        """Hold ``amount`` on the voucher until ``Reservation.valid_until`` (30 minutes).

        ``amount`` is 0.01 to 99999.99 in units of ``currency``, which must be the voucher's own. A newer
        reservation of the same voucher, by any client, replaces this one; a retry is therefore safe.
        Source: ``POST /reservations``.

        Raises RefusedError or UnavailableError (nothing held), OutcomeUnknownError (perhaps held).
        """
        return self._send(_calls.reserve(code=code, amount=amount, currency=currency, pin=pin))

    def charge(self, reservation_id: str, order_number: str) -> Charge:
        """Charge the whole reservation. Never retry it blindly: it may book twice.

        ``order_number`` is how the booking is found again: unique, fixed before the call.
        Source: ``POST /reservations/{id}/charge``.

        Raises RefusedError or UnavailableError (nothing charged), OutcomeUnknownError (perhaps charged).
        """
        return self._send(_calls.charge(reservation_id, order_number))

    def refund(self, charge_id: str, amount: Decimal, currency: str) -> Charge:
        """Give ``amount`` of a charge back to its voucher, 0.01 up to the charge. Never retry it blindly.

        The API takes no reference: two equal refunds look alike. Source: ``POST /charges/{id}/refund``.

        Raises RefusedError or UnavailableError (nothing refunded), OutcomeUnknownError (perhaps refunded).
        """
        return self._send(_calls.refund(charge_id, amount, currency))

    def cancel_reservation(self, reservation_id: str) -> None:
        """Try to release a reservation early; a retry is safe. Rely on the 30 minutes instead.

        Sends ``DELETE /reservations/{id}``, which is not documented.

        Raises RefusedError with ``http_status`` 404 or 405 where the API says that there is no such reservation
        or no such call; UnavailableError (not sent), OutcomeUnknownError (perhaps released). Neither proves
        that the reservation is open or that it is not.
        """
        self._send(_calls.cancel_reservation(reservation_id))
