"""Reading from the database that is written to: a replica may lag behind, and money is decided by what is committed."""

from typing import TYPE_CHECKING, Any, TypeVar

from django.db import models, router
from django.db.models.fields import related_descriptors as related
from django.utils.functional import cached_property

if TYPE_CHECKING:
    ToOne = related.ForwardManyToOneDescriptor[Any]
    ToMany = related.ReverseManyToOneDescriptor[Any]
else:
    ToOne, ToMany = related.ForwardManyToOneDescriptor, related.ReverseManyToOneDescriptor

__all__ = ["CurrentForeignKey", "CurrentManager"]

_ST = TypeVar("_ST")
_GT = TypeVar("_GT")


class CurrentManager(models.Manager[Any]):
    """Rows as they are committed, never from a replica: ``VoucherPayment.current`` reads where the gateway writes."""

    def get_queryset(self) -> models.QuerySet[Any]:
        return super().get_queryset().using(self._db or router.db_for_write(self.model))


class _CurrentTarget(ToOne):
    def get_queryset(self, **hints: Any) -> models.QuerySet[Any]:
        targets: models.QuerySet[Any] = super().get_queryset(**hints)
        return targets.using(router.db_for_write(targets.model))


class _CurrentRows(ToMany):
    @cached_property
    def related_manager_cls(self) -> Any:
        model: Any = self.rel.related_model
        return related.create_reverse_many_to_one_manager(type(model.current), self.rel)


class CurrentForeignKey(models.ForeignKey[_ST, _GT]):
    """A foreign key that is followed, both ways, in the database that is written to.

    Django asks the router for the database to *read*, even if the row itself was read from the one written to.
    """

    forward_related_accessor_class = _CurrentTarget
    related_accessor_class = _CurrentRows

    def deconstruct(self) -> Any:
        """Migrations see an ordinary foreign key: the column is the same."""
        name, _, arguments, options = super().deconstruct()
        return name, "django.db.models.ForeignKey", arguments, options
