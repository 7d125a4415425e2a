"""Lists that stay fast in a ledger of millions of rows: newest first, never counted, searched by POST.

Django's own list counts all rows, sorts by any column, and searches by parts of words; each of these reads the whole
table. And its search is a GET: the code of a gift voucher would stand in the address, in the log of the web server and
in the history of the browser.
"""

from typing import TYPE_CHECKING, Any

from django.contrib import admin
from django.contrib.admin.options import IncorrectLookupParameters
from django.contrib.admin.views.main import PAGE_VAR, ChangeList
from django.core.paginator import InvalidPage, Page, Paginator
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.functional import cached_property

from voucher_payment_gateway.admin.window import WINDOW

if TYPE_CHECKING:
    AnyPage = admin.ModelAdmin[Any]
else:
    AnyPage = admin.ModelAdmin

__all__ = ["MAX_PAGE", "FastList"]

MAX_PAGE = 100
"""What lies further back is found by search and filters: the database would read all pages before it."""


class UncountedPaginator(Paginator):  # type: ignore[type-arg]
    """Reads the page that is asked for and one row more, which says whether there is another page. No count."""

    def __init__(self, rows: Any, per_page: int, number: int) -> None:
        super().__init__(rows, per_page)
        self.number = number

    @cached_property
    def rows(self) -> list[Any]:
        bottom = (self.number - 1) * self.per_page
        return list(self.object_list[bottom : bottom + self.per_page + 1])

    @cached_property
    def count(self) -> int:
        """The rows that are known of: those before this page, those on it, and one more if there is one."""
        return (self.number - 1) * self.per_page + len(self.rows)

    @property
    def has_older(self) -> bool:
        return len(self.rows) > self.per_page and self.number < MAX_PAGE

    def page(self, number: Any) -> Page[Any]:
        if number != self.number or not 1 <= self.number <= MAX_PAGE or (number > 1 and not self.rows):
            raise InvalidPage
        return Page(self.rows[: self.per_page], self.number, self)


class FastChangeList(ChangeList):
    """Ordered as the model admin or a filter says, so that an index gives the rows in their order; by no column."""

    def get_ordering(self, request: HttpRequest, queryset: QuerySet[Any]) -> list[Any]:
        return list(queryset.query.order_by)

    def get_results(self, request: HttpRequest) -> None:
        """As Django's, without its two counts."""
        paginator = self.model_admin.get_paginator(request, self.queryset, self.list_per_page)
        try:
            self.result_list = paginator.page(self.page_num).object_list
        except InvalidPage:
            raise IncorrectLookupParameters from None
        self.paginator = paginator
        self.result_count = paginator.count
        self.full_result_count = None
        self.show_full_result_count = False
        self.show_admin_actions = True
        self.can_show_all = self.multi_page = False

    @property
    def window(self) -> int:
        """How many of the newest rows a chosen filter has looked through; 0 where it has looked through all."""
        return WINDOW if any(getattr(each, "is_cut", False) for each in self.filter_specs) else 0

    @property
    def older_query(self) -> str:
        """The query of the page with older rows; "" where there is none."""
        return self.get_query_string({PAGE_VAR: self.page_num + 1}) if self.paginator.has_older else ""

    @property
    def newer_query(self) -> str:
        return self.get_query_string({PAGE_VAR: self.page_num - 1}) if self.page_num > 1 else ""


class FastList(AnyPage):
    """A list of this kind, by the primary key, which grows with time: a row that is newer has a greater one."""

    change_list_template = "admin/voucher_payment_gateway/change_list.html"
    ordering = ("-pk",)
    sortable_by = ()
    show_full_result_count = False
    list_per_page = 50

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        return FastChangeList

    def get_paginator(
        self, request: HttpRequest, queryset: Any, per_page: int, *args: Any, **kwargs: Any
    ) -> Any:
        number = request.GET.get(PAGE_VAR, "1")
        return UncountedPaginator(queryset, per_page, int(number) if number.isdecimal() else 1)
