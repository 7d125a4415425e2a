"""Columns that several tables share."""

from typing import Any

from django.db import models

__all__ = ["ACCOUNT_LENGTH", "ORDER_NUMBER_LENGTH", "amount_field"]

ACCOUNT_LENGTH = 50
ORDER_NUMBER_LENGTH = 64


def amount_field(name: Any, **options: Any) -> "models.DecimalField[Any, Any]":
    return models.DecimalField(name, max_digits=9, decimal_places=2, **options)
