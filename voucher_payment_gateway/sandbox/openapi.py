"""The cloud's description of itself in OpenAPI."""

from typing import Any

from voucher_payment_gateway.sandbox.books import Books
from voucher_payment_gateway.sandbox.routes import API_PREFIX, ROUTES, is_served

__all__ = ["description"]


def description(books: Books) -> dict[str, Any]:
    """Return the OpenAPI document of the operations that are served now."""
    paths: dict[str, Any] = {}
    for route in ROUTES:
        if is_served(route, books):
            paths.setdefault(f"{API_PREFIX}{route.path}", {})[route.method.lower()] = {
                "operationId": route.name,
                "summary": route.title,
                "responses": {"200": {"description": "OK"}},
            }
    return {"openapi": "3.0.0", "info": {"title": "Local Voucher Cloud", "version": "1.8"}, "paths": paths}
