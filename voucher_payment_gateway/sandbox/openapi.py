"""The OpenAPI 3.0 document of the cloud, made from the routes that it serves now."""

import re
from typing import Any

from voucher_payment_gateway.sandbox.clients import SCOPES
from voucher_payment_gateway.sandbox.routes import API_PREFIX, ROUTES, Route, is_served
from voucher_payment_gateway.sandbox.schemas import ANSWERS, BODIES, SCHEMAS, TOKEN_FORM
from voucher_payment_gateway.sandbox.store import Store

__all__ = ["description"]

_DATE_FILTERS = ("filter[created_from]", "filter[created_to]")
_FOLLOWED_BY = {
    "create": (
        "getVoucher",
        "getCompleteVoucher",
        "updateVoucher",
        "setStatus",
        "listCharges",
        "deleteVoucher",
    ),
    "reserve": ("charge",),
    "charge": ("refund",),
}
"""The operations that take the id of an answer."""
_MAX_NUMBER = 999_999_999
_TOKEN_PATH = "/oauth/token"  # noqa: S105  a path


def description(store: Store) -> dict[str, Any]:
    """Return the OpenAPI document; status codes and the cancel call follow the behaviour."""
    paths: dict[str, Any] = {_TOKEN_PATH: {"post": _token_operation()}}
    for route in ROUTES:
        if is_served(route, store):
            operation = _operation(route, store)
            paths.setdefault(f"{API_PREFIX}{route.path}", {})[route.method.lower()] = operation
    flow = {"clientCredentials": {"tokenUrl": _TOKEN_PATH, "scopes": dict.fromkeys(SCOPES, "")}}
    return {
        "openapi": "3.0.0",
        "info": {"title": "Local Voucher Cloud", "version": "1.8"},
        "servers": [{"url": "/"}],
        "paths": paths,
        "components": {
            "schemas": SCHEMAS,
            "securitySchemes": {"oauth2": {"type": "oauth2", "flows": flow}},
        },
    }


def _operation(route: Route, store: Store) -> dict[str, Any]:
    operation: dict[str, Any] = {
        "operationId": route.name,
        "summary": route.title,
        "security": [] if route.is_public else [{"oauth2": list(route.scopes)}],
        "responses": {**_success(route, store.behaviour.post_status), "4XX": _answer("Error", "Refused")},
    }
    if parameters := [*_path_parameters(route), *_query_parameters(route)]:
        operation["parameters"] = parameters
    if route.name in BODIES:
        schema = _body(route, store)
        content = {"application/json": {"schema": schema}}
        operation["requestBody"] = {"required": "required" in schema, "content": content}
    return operation


def _body(route: Route, store: Store) -> dict[str, Any]:
    """Return the schema of a body; create reads its id from the field that the behaviour names."""
    schema, field = BODIES[route.name], store.behaviour.create_id_field
    if route.name != "create" or field == "both":
        return schema
    unread = {"id", "custom_id"} - {field}
    properties = {name: each for name, each in schema["properties"].items() if name not in unread}
    return {**schema, "properties": properties}


def _success(route: Route, post_status: int) -> dict[str, Any]:
    if route.name not in ANSWERS:
        return {"204": {"description": "No Content"}}
    answer = _answer(ANSWERS[route.name], "OK")
    if route.name in _FOLLOWED_BY:
        answer["links"] = {
            name: {"operationId": name, "parameters": {"id": "$response.body#/id"}}
            for name in _FOLLOWED_BY[route.name]
        }
    return {str(post_status if route.method == "POST" else 200): answer}


def _path_parameters(route: Route) -> list[dict[str, Any]]:
    schema = {"type": "string", "minLength": 1}
    names = re.findall(r"{(\w+)}", route.path)
    return [{"name": name, "in": "path", "required": True, "schema": schema} for name in names]


def _query_parameters(route: Route) -> list[dict[str, Any]]:
    if route.name not in ("listVouchers", "listCharges"):
        return []
    number = {"type": "integer", "minimum": 1, "maximum": _MAX_NUMBER}
    schemas: dict[str, dict[str, Any]] = {
        **dict.fromkeys(("page", "per_page"), number),
        **{name: {"type": "string", "format": "date-time"} for name in _DATE_FILTERS},
        "filter[order_number]": {"type": "string"},
    }
    return [{"name": name, "in": "query", "schema": schema} for name, schema in schemas.items()]


def _token_operation() -> dict[str, Any]:
    return {
        "operationId": "token",
        "summary": "Get an access token",
        "security": [],
        "requestBody": {
            "required": True,
            "content": {"application/x-www-form-urlencoded": {"schema": TOKEN_FORM}},
        },
        "responses": {"200": _answer("Token", "OK"), "4XX": _answer("OAuthError", "Refused")},
    }


def _answer(schema: str, text: str) -> dict[str, Any]:
    content = {"application/json": {"schema": {"$ref": f"#/components/schemas/{schema}"}}}
    return {"description": text, "content": content}
