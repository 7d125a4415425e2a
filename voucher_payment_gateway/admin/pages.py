"""What the admin pages have in common: rows as they are committed, nothing about money edited or deleted by hand."""

from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.contrib import admin
from django.db import router
from django.db.models import QuerySet
from django.db.models.constants import LOOKUP_SEP
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from voucher_payment_gateway.checkout.wording import amount_text
from voucher_payment_gateway.conf import NAME

if TYPE_CHECKING:
    Base = admin.options.BaseModelAdmin[Any]
    AnyPage = admin.ModelAdmin[Any]
else:
    Base, AnyPage = admin.options.BaseModelAdmin, admin.ModelAdmin

__all__ = [
    "Current",
    "OfAccounts",
    "OnlyWhatIsShown",
    "Permanent",
    "ReadOnly",
    "account_names",
    "amount_column",
]


def amount_column(model: Any, name: str) -> Any:
    """Return a column that shows an amount in the row's currency: with decimals only where the currency has them."""

    @admin.display(description=model._meta.get_field(name).verbose_name, ordering=name)
    def shown(row: Any) -> str | None:
        amount = getattr(row, name)
        return None if amount is None else amount_text(amount, row.currency)

    shown.__name__ = name  # the column's CSS class
    return shown


class Current(Base):
    """Shows the rows of the database that is written to: a replica may lag behind."""

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return super().get_queryset(request).using(router.db_for_write(self.model))


class AccountFilter(admin.SimpleListFilter):
    """The merchant account, by the names in the settings; none without ``ACCOUNTS``."""

    title, parameter_name = _("account"), "account"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [(name, name) for name in _accounts()]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        return queryset.filter(account=self.value()) if self.value() else queryset


class OfAccounts(AnyPage):
    """Shows the merchant account of each row where the shop has several."""

    def get_list_display(self, request: HttpRequest) -> Any:
        return (*super().get_list_display(request), *(["account"] if _accounts() else []))

    def get_list_filter(self, request: HttpRequest) -> Any:
        return (*([AccountFilter] if _accounts() else []), *super().get_list_filter(request))

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        is_shown = bool(_accounts() or getattr(obj, "account", ""))
        return [name for name in super().get_fields(request, obj) if name != "account" or is_shown]


def account_names() -> list[str]:
    """Return what rows may have as their account: the names in the settings, and "" for the only one of a shop."""
    return ["", *_accounts()]


def _accounts() -> list[str]:
    """Return the names in ``ACCOUNTS``, also while another setting is wrong."""
    raw = getattr(settings, NAME, None)
    accounts = raw.get("ACCOUNTS") if isinstance(raw, dict) else None
    return sorted(accounts) if isinstance(accounts, dict) else []


class OnlyWhatIsShown(Base):
    """No filter in the address by a field that the page does not show: with many questions, such as whether a sealed
    code begins with a letter, a clerk who may look would read it."""

    def lookup_allowed(self, lookup: str, value: str, request: Any = None) -> bool:
        page: Any = self
        filters = {getattr(each, "parameter_name", each) for each in page.list_filter}
        columns = {getattr(each, "__name__", each) for each in (*page.readonly_fields, *page.list_display)}
        name = lookup.split(LOOKUP_SEP)[0]
        return name in filters | columns | {"pk", "id"} and super().lookup_allowed(lookup, value, request)


class Permanent:
    """No adding or deleting, whatever permissions the user has."""

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


class ReadOnly(Permanent):
    """No changing either."""

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False
