"""How the list of runs in the admin is narrowed down: by the filters of the one search, under their names."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any
from uuid import UUID

from django.contrib import admin
from django.contrib.admin.options import IncorrectLookupParameters
from django.contrib.admin.views.main import ORDER_VAR, PAGE_VAR, ChangeList
from django.contrib.auth.models import Group, User
from django.core.paginator import Page, Paginator
from django.db import connection
from django.db.models import Model, Q, QuerySet
from django.http import HttpRequest
from django.utils.datastructures import MultiValueDict
from django.utils.functional import cached_property
from django.utils.translation import gettext_lazy as _

from ..actors import Door
from ..callers import actor_of
from ..filterset import UserTaskRunFilterSet
from ..models import Status, UserTaskDef
from ..models.runs import NEWEST_FIRST, owners_seen_by

if TYPE_CHECKING:
    BasePaginator = Paginator[Any]
else:
    BasePaginator = Paginator

MOST_COUNTED = 10_000
"""How many runs a list counts and pages through: beyond that nobody pages, and counting would read everything."""

MOST_SUGGESTED = 500


def known_definitions() -> list[str]:
    return list(UserTaskDef.objects.newest().order_by("name").values_list("name", flat=True)[:MOST_SUGGESTED])


def known_users() -> list[str]:
    users = User.objects.filter(is_active=True).order_by("username")
    return list(users.values_list("username", flat=True)[:MOST_SUGGESTED])


def known_groups() -> list[str]:
    return list(Group.objects.order_by("name").values_list("name", flat=True)[:MOST_SUGGESTED])


class BoundedPaginator(BasePaginator):
    """Pages through the newest `MOST_COUNTED` runs, and counts no further."""

    @cached_property
    def count(self) -> int:
        assert isinstance(self.object_list, QuerySet)
        return self.object_list.order_by()[:MOST_COUNTED].count()

    def page(self, number: int | str) -> Page[Any]:
        """PostgreSQL merges one index scan for each status: no index has all runs newest first (see `filters`)."""
        runs = self.object_list
        assert isinstance(runs, QuerySet)
        if runs.query.order_by != NEWEST_FIRST or not connection.features.supports_slicing_ordering_in_compound:
            return super().page(number)
        valid = self.validate_number(number)
        end = valid * self.per_page
        parts = [runs.filter(status=status)[:end] for status in Status.values]
        merged = parts[0].union(*parts[1:], all=True).order_by(*NEWEST_FIRST)
        return Page(merged[end - self.per_page : end], valid, self)


class OfferedOrders(ChangeList):
    """Sorts by what the list offers for it, else as usual: Django would sort by any column that an address names."""

    def get_ordering(self, request: HttpRequest, queryset: Any) -> list[Any]:
        columns = self.params.get(ORDER_VAR, "").replace("-", "").split(".")
        offered = [number for number in columns if number.isdecimal() and self._offers(int(number))]
        if not offered:
            self.params.pop(ORDER_VAR, None)
        return super().get_ordering(request, queryset)

    def _offers(self, number: int) -> bool:
        return number < len(self.list_display) and self.list_display[number] in (self.sortable_by or ())

    def get_ordering_field(self, field_name: Any) -> Any:
        return super().get_ordering_field(field_name) if field_name in (self.sortable_by or ()) else None


class ChoiceFilter(admin.SimpleListFilter):
    """One filter of the search that offers choices."""

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return list(UserTaskRunFilterSet.base_filters[str(self.parameter_name)].extra["choices"])

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        value = self.value()
        if value is None:
            return queryset
        filterset = UserTaskRunFilterSet(MultiValueDict({str(self.parameter_name): [value]}), queryset)
        if not filterset.is_valid():
            raise IncorrectLookupParameters
        return filterset.qs


class StatusFilter(ChoiceFilter):
    title, parameter_name = _("status"), "status"


class OverdueFilter(ChoiceFilter):
    title, parameter_name = _("due"), "overdue"


class TextsFilter(admin.ListFilter):
    """The filters of the search that are typed, in one small form."""

    title = _("names and times")
    template = "admin/usertasks/usertaskrun/texts_filter.html"
    suggestions = {
        "user_task_def_name": known_definitions,
        "user_group": known_groups,
        "user_id": known_users,
    }
    moments = ("earliest_start", "latest_start")

    def __init__(
        self, request: HttpRequest, params: dict[str, list[str]], model: type[Model], model_admin: Any
    ) -> None:
        super().__init__(request, params, model, model_admin)
        for name in self.names():
            text = params.pop(name, [""])[-1]
            if text.strip():
                self.used_parameters[name] = text
        self.errors: Mapping[str, Any] = {}

    def names(self) -> list[str]:
        return [*self.suggestions, *self.moments]

    def expected_parameters(self) -> list[str | None]:
        return [*self.names()]

    def has_output(self) -> bool:
        return True

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """What matches; nothing where what was typed cannot be understood, which the form then says."""
        data = MultiValueDict({name: [str(text)] for name, text in self.used_parameters.items()})
        filterset = UserTaskRunFilterSet(data, queryset)
        if filterset.is_valid():
            return filterset.qs
        self.errors = filterset.errors
        return queryset.none()

    def choices(self, changelist: ChangeList) -> Iterator[dict[str, object]]:
        """The inputs, and hidden among them what else narrows the list."""
        for name in self.names():
            yield {
                "name": name,
                "label": UserTaskRunFilterSet.base_filters[name].label,
                "value": self.used_parameters.get(name, ""),
                "type": "datetime-local" if name in self.moments else "text",
                "errors": self.errors.get(name, []),
                "known": self._known(name) if name in self.suggestions else [],
            }
        for name, texts in self.request.GET.lists():
            if name not in (*self.names(), PAGE_VAR):
                yield {"name": name, "value": texts[-1], "type": "hidden"}

    def _known(self, name: str) -> Sequence[str]:
        """What is suggested: of people and groups, those whose runs one may see."""
        if name == "user_task_def_name" or self.request.user.has_perm("usertasks.view_usertaskrun"):
            return self.suggestions[name]()
        users, groups = owners_seen_by(actor_of(self.request, Door.ADMIN))
        return users if name == "user_id" else groups


def matching(term: str) -> Q:
    """Runs that have exactly this id (in either form), workflow run, user or group: each is answered from an index."""
    found = Q(wf_run_id=term) | Q(user_id=term) | Q(user_group=term)
    try:
        return found | Q(id=UUID(term))
    except ValueError:
        return found
