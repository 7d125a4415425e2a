"""Rows about money are never deleted, neither one by one nor in bulk."""

from typing import Any

from django.core import checks
from django.db import models

from voucher_payment_gateway.models.current import current_alias
from voucher_payment_gateway.models.mysql import REPLACED_WARNINGS

__all__ = ["PermanentModel", "PermanentQuerySet"]


class PermanentQuerySet(models.QuerySet[Any]):
    """Refuses to delete rows in bulk."""

    def delete(self) -> Any:
        raise models.ProtectedError("Rows about money are never deleted.", set(self))


class PermanentModel(models.Model):
    """A row about money, which is never deleted."""

    class Meta:
        abstract = True

    @classmethod
    def check(cls, **options: Any) -> list[checks.CheckMessage]:
        return [message for message in super().check(**options) if message.id not in REPLACED_WARNINGS]

    def delete(self, *args: Any, **kwargs: Any) -> Any:
        raise models.ProtectedError("Rows about money are never deleted.", {self})

    def refresh_from_db(self, using: str | None = None, *args: Any, **kwargs: Any) -> None:
        """Read the row again where it is written: a replica may lag behind."""
        super().refresh_from_db(using or current_alias(type(self), self), *args, **kwargs)
