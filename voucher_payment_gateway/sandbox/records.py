"""The state of the local Voucher Cloud. Money is integer cents, instants are aware UTC."""

from dataclasses import dataclass, field
from datetime import datetime

from voucher_payment_gateway.sandbox.ledger import Entry

__all__ = ["Booking", "Client", "Pin", "Reservation", "State", "Token", "Voucher"]


@dataclass
class Voucher:
    """One voucher; every booking changes ``balance_cents``."""

    id: str
    code: str
    pin: str
    amount_cents: int
    balance_cents: int
    currency: str
    client_id: str
    created_at: datetime
    updated_at: datetime
    status: str = "inactive"
    group_id: str = ""
    """The client group that may redeem it; empty: any group."""
    sku: str = ""
    batch: str = ""
    validity_value: int = 36
    validity_interval: str = "months"
    valid_until: datetime | None = None
    """Computed on activation; never shown while the voucher is inactive."""
    type: str = "digital"
    taxable: bool = False
    tax_rate: str | None = None
    order_number: str = ""
    data: str = ""
    last_reservation_id: str = ""
    booking_ids: list[str] = field(default_factory=list)
    wrong_pins: int = 0
    deleted: bool = False


@dataclass
class Reservation:
    """A hold on a voucher; open until it expires, is charged, replaced or cancelled."""

    id: str
    voucher_id: str
    client_id: str
    amount_cents: int
    created_at: datetime
    valid_until: datetime
    charge_id: str = ""
    replaced_at: datetime | None = None
    cancelled_at: datetime | None = None


@dataclass
class Booking:
    """A charge, a refund or a recharge."""

    id: str
    voucher_id: str
    client_id: str
    type: str
    amount_cents: int
    order_number: str | None
    created_at: datetime
    charge_id: str = ""
    """Of a refund: the refunded charge. The API never shows it."""


@dataclass
class Client:
    """A shop or a till, with the scopes of its client group."""

    id: str
    secret: str
    name: str
    group_id: str
    scopes: list[str]
    type: str
    created_at: datetime
    connected_at: datetime | None = None


@dataclass
class Pin:
    """A PIN that a client exchanges once for its credentials."""

    pin: str
    client_id: str
    valid_until: datetime
    used_at: datetime | None = None


@dataclass
class Token:
    """An access token."""

    value: str
    client_id: str
    scopes: list[str]
    valid_until: datetime


@dataclass
class State:
    """Everything that survives a restart."""

    vouchers: dict[str, Voucher] = field(default_factory=dict)
    reservations: dict[str, Reservation] = field(default_factory=dict)
    bookings: dict[str, Booking] = field(default_factory=dict)
    clients: dict[str, Client] = field(default_factory=dict)
    pins: dict[str, Pin] = field(default_factory=dict)
    tokens: dict[str, Token] = field(default_factory=dict)
    entries: list[Entry] = field(default_factory=list)
    clock_offset_seconds: float = 0.0
