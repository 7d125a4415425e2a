"""Rows about money stay: nothing deletes them, one by one or in bulk."""

from typing import Any

from django.db import models

__all__ = ["PermanentModel", "PermanentQuerySet"]


class PermanentQuerySet(models.QuerySet[Any]):
    """Rows about money stay: a deletion in bulk is refused like that of a single row."""

    def delete(self) -> Any:
        raise models.ProtectedError("Rows about money are never deleted.", set(self))


class PermanentModel(models.Model):
    """A row about money: written once, changed by its rules, never deleted."""

    class Meta:
        abstract = True

    def delete(self, *args: Any, **kwargs: Any) -> Any:
        raise models.ProtectedError("Rows about money are never deleted.", {self})
