"""Rows about money are never deleted, neither one by one nor in bulk."""

from typing import Any

from django.db import models

__all__ = ["PermanentModel", "PermanentQuerySet"]


class PermanentQuerySet(models.QuerySet[Any]):
    """Refuses to delete rows in bulk."""

    def delete(self) -> Any:
        raise models.ProtectedError("Rows about money are never deleted.", set(self))


class PermanentModel(models.Model):
    """A row about money, which is never deleted."""

    class Meta:
        abstract = True

    def delete(self, *args: Any, **kwargs: Any) -> Any:
        raise models.ProtectedError("Rows about money are never deleted.", {self})
