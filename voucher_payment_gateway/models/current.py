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

__all__ = ["CurrentForeignKey", "CurrentManager", "current_alias"]

_ST = TypeVar("_ST")
_GT = TypeVar("_GT")


def current_alias(model: type[models.Model], instance: models.Model | None = None) -> str:
    """Return the database that rows of ``model`` are written to.

    For an ``instance`` of a third database, such as an archive, it is that one: the written database may have another
    row with its primary key.
    """
    written: str = router.db_for_write(model)
    own = instance._state.db if instance is not None else None
    return written if own is None or own in (written, router.db_for_read(model)) else own


class CurrentManager(models.Manager[Any]):
    """Rows as they are committed, never from a replica: ``VoucherPayment.current`` reads where the gateway writes."""

    def get_queryset(self) -> models.QuerySet[Any]:
        return super().get_queryset().using(self._db or current_alias(self.model))


class _CurrentTarget(ToOne):
    def get_queryset(self, **hints: Any) -> models.QuerySet[Any]:
        targets: models.QuerySet[Any] = super().get_queryset(**hints)
        return targets.using(current_alias(targets.model, hints.get("instance")))


class _CurrentRows(ToMany):
    @cached_property
    def related_manager_cls(self) -> Any:
        model: Any = self.rel.related_model
        related_manager: Any = related.create_reverse_many_to_one_manager(type(model.current), self.rel)

        class CurrentRelatedManager(related_manager):  # type: ignore[misc]
            def __init__(self, instance: models.Model) -> None:
                super().__init__(instance)
                self._db = current_alias(self.model, instance)

            def _apply_rel_filters(self, queryset: models.QuerySet[Any]) -> models.QuerySet[Any]:
                rows: models.QuerySet[Any] = super()._apply_rel_filters(queryset)
                if self.instance._state.db != self._db:
                    # attaching the rows to an instance of a replica would need the router's allow_relation
                    rows._known_related_objects = {}  # type: ignore[attr-defined]
                return rows

        return CurrentRelatedManager


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
