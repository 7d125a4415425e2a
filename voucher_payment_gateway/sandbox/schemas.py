"""JSON schemas of bodies and answers (API 1.8); undocumented fields are not restricted."""

from typing import Any

from voucher_payment_gateway.sandbox.fields import CURRENCIES
from voucher_payment_gateway.sandbox.vouchers import INTERVALS, MAX_VALIDITY

__all__ = ["ANSWERS", "BODIES", "SCHEMAS", "TOKEN_FORM"]

Schema = dict[str, Any]


def _object(properties: dict[str, Schema], *required: str) -> Schema:
    made: Schema = {"type": "object", "properties": properties}
    return {**made, "required": list(required)} if required else made


def _text(max_length: int = 255, **more: Any) -> Schema:
    return {"type": "string", "maxLength": max_length, **more}


_ID: Schema = {"type": "string", "minLength": 1}
_NULLABLE: Schema = {"type": "string", "nullable": True}
_INSTANT: Schema = {"type": "string", "format": "date-time"}
_INSTANT_OR_NULL: Schema = {**_INSTANT, "nullable": True}
_AMOUNT: Schema = {
    "type": "string",
    "minLength": 4,
    "maxLength": 9,
    "pattern": r"^[0-9]+\.[0-9]{2}$",
    "example": "10.53",
}
_ABOVE_ZERO: Schema = {**_AMOUNT, "pattern": r"^(0*[1-9][0-9]*\.[0-9]{2}|0+\.(0[1-9]|[1-9][0-9]))$"}
_CURRENCY: Schema = {"type": "string", "enum": sorted(CURRENCIES)}
_NUMBER: Schema = _text(minLength=1, example="ORDER-001")
_STATUS: Schema = {"type": "string", "enum": ["active", "inactive"]}
_VALIDITY: dict[str, Schema] = {
    "validity_value": {"type": "integer", "minimum": 1, "maximum": MAX_VALIDITY},
    "validity_interval": {"type": "string", "enum": list(INTERVALS)},
}

_VOUCHER: dict[str, Schema] = {
    "id": _ID,
    "client_id": _ID,
    "sku": _text(),
    "batch": _text(30),
    "amount": _AMOUNT,
    "currency": _CURRENCY,
    "valid_until": _INSTANT_OR_NULL,
    **_VALIDITY,
    "status": _STATUS,
    "type": _text(),
    "taxable": {"type": "boolean"},
    "tax_rate": _NULLABLE,
    "order_number": _text(),
    "data": {"type": "string"},
    "created_at": _INSTANT,
    "updated_at": _INSTANT,
}
_BALANCE: dict[str, Schema] = {"remaining_amount": _AMOUNT, "deletable": {"type": "boolean"}}

_RESERVATION: dict[str, Schema] = {
    "id": _ID,
    "voucher_id": _ID,
    "voucher_taxable": {"type": "boolean"},
    "voucher_tax_rate": _NULLABLE,
    "client_id": _ID,
    "amount": _AMOUNT,
    "valid_until": _INSTANT,
    "created_at": _INSTANT,
    "updated_at": _INSTANT,
}
_CHARGE: dict[str, Schema] = {
    "id": _ID,
    "voucher_id": _ID,
    "client_id": _ID,
    "type": {"type": "string", "enum": ["charge", "recharge", "refund"]},
    "amount": _AMOUNT,
    "order_number": _NULLABLE,
    "created_at": _INSTANT,
    "updated_at": _INSTANT,
}
_CLIENT: dict[str, Schema] = {
    "id": _ID,
    "secret": _text(),
    "client_id": _ID,
    "client_secret": _text(),
    "client_group_id": _ID,
    "name": _text(),
    "scopes": {"type": "array", "items": {"type": "string"}},
    "created_at": _INSTANT,
    "updated_at": _INSTANT,
    "connected_at": _INSTANT,
    "type": {"type": "string"},
}
_FIELD_ERROR = {name: {"type": "string"} for name in ("code", "property", "rule", "message")}
_ERROR: dict[str, Schema] = {
    "status": {"type": "integer"},
    "code": {"type": "string"},
    "message": {"type": "string"},
    "errors": {"type": "array", "items": _object(_FIELD_ERROR, *_FIELD_ERROR)},
}


def _page(of: str) -> Schema:
    link: Schema = {"type": "string", "nullable": True}
    count: Schema = {"type": "integer", "minimum": 0}
    position: Schema = {"type": "integer", "nullable": True}
    meta = {
        **dict.fromkeys(("current_page", "per_page", "last_page", "total"), count),
        **dict.fromkeys(("from", "to"), position),
        "path": {"type": "string"},
    }
    links = dict.fromkeys(("first", "last", "prev", "next"), link)
    return _object(
        {
            "data": {"type": "array", "items": {"$ref": f"#/components/schemas/{of}"}},
            "links": _object(links, *links),
            "meta": _object(meta, *meta),
        },
        "data",
        "links",
        "meta",
    )


SCHEMAS: dict[str, Schema] = {
    "Voucher": _object(_VOUCHER, *_VOUCHER),
    "VoucherWithBalance": _object({**_VOUCHER, **_BALANCE}, *_VOUCHER, *_BALANCE),
    "VoucherWithSecrets": _object({**_VOUCHER, "code": _text(), "pin": _text()}, *_VOUCHER, "code", "pin"),
    "Reservation": _object(_RESERVATION, *_RESERVATION),
    "Charge": _object(_CHARGE, *_CHARGE),
    "Client": _object(_CLIENT, "client_group_id", "name", "scopes", "type"),
    "VoucherPage": _page("VoucherWithBalance"),
    "ChargePage": _page("Charge"),
    "Error": _object(_ERROR, "status", "code", "message"),
    "Token": _object(
        {
            "token_type": {"type": "string"},
            "expires_in": {"type": "integer"},
            "access_token": {"type": "string"},
        },
        "token_type",
        "expires_in",
        "access_token",
    ),
    "OAuthError": _object({"error": {"type": "string"}, "error_description": {"type": "string"}}, "error"),
}
"""By name, for ``#/components/schemas``."""

_MONEY: dict[str, Schema] = {"amount": _ABOVE_ZERO, "currency": _CURRENCY}
_SECRETS: dict[str, Schema] = {"code": _text(), "pin": _text()}

BODIES: dict[str, Schema] = {
    "connect": _object({"pin": _text(minLength=1)}, "pin"),
    "create": _object(
        {
            "id": _text(),
            "custom_id": _text(),
            **_SECRETS,
            "sku": _text(),
            "batch": _text(30),
            "amount": _AMOUNT,
            "currency": _CURRENCY,
            **_VALIDITY,
            "type": _text(),
            "taxable": {"type": "boolean"},
            "tax_rate": _text(nullable=True),
            "order_number": _text(),
            "data": {"type": "string"},
        },
        "amount",
        "currency",
    ),
    "updateVoucher": _object({"sku": _text(), "batch": _text(30)}),
    "setStatus": _object({"status": _STATUS, "comment": _text()}, "status"),
    "deleteVoucher": _object({"comment": _text(minLength=1)}, "comment"),
    "recharge": {
        **_object({**_MONEY, "order_number": _NUMBER, "code": _text(minLength=1), "id": _text(minLength=1)}),
        "required": ["amount", "currency", "order_number"],
        "anyOf": [{"required": ["code"]}, {"required": ["id"]}],
    },
    "reserve": _object({**_MONEY, "code": _text(minLength=1), "pin": _text()}, "amount", "currency", "code"),
    "charge": _object({"order_number": _NUMBER}, "order_number"),
    "refund": _object(_MONEY, "amount", "currency"),
}
"""By operation: the schema of the body."""

ANSWERS: dict[str, str] = {
    "connect": "Client",
    "create": "VoucherWithSecrets",
    "listVouchers": "VoucherPage",
    "getVoucher": "VoucherWithBalance",
    "getCompleteVoucher": "VoucherWithSecrets",
    "updateVoucher": "Voucher",
    "setStatus": "Voucher",
    "recharge": "Charge",
    "listCharges": "ChargePage",
    "getCharge": "Charge",
    "reserve": "Reservation",
    "charge": "Charge",
    "refund": "Charge",
}
"""By operation: the schema of a success; the others answer 204 without a body."""

TOKEN_FORM: Schema = _object(
    {
        "grant_type": {"type": "string", "enum": ["client_credentials"]},
        "client_id": {"type": "string"},
        "client_secret": {"type": "string"},
        "client_type": _text(32),
        "scope": {"type": "string"},
    },
    "grant_type",
)
