"""The one search: which runs there are, newest first, for REST, pages, admin and programs alike."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, ClassVar, cast

import django_filters
from django import forms
from django.core.exceptions import ValidationError
from django.db import connection
from django.db.models import BooleanField, DateTimeField, F, Func, Q, UUIDField, Value
from django.db.models.lookups import GreaterThan, LessThan
from django.utils import timezone
from django.utils.datastructures import MultiValueDict
from django_filters.fields import IsoDateTimeField

from . import json_text
from .actors import Actor
from .errors import Fault, InvalidArgument
from .models import OPEN, Status, UserTaskRun
from .models.runs import NEWEST_FIRST, STATUSLESS, UserTaskRunQuerySet

LIST_FIELDS = (
    "id",
    "wf_run_id",
    "user_task_def_name",
    "user_task_def_version",
    "user_id",
    "user_group",
    "status",
    "results",
    "notes",
    "scheduled_time",
    "epoch",
    "version",
    "due_at",
    "priority",
    "on_cancellation_exception_name",
    "completed_at",
)
"""The columns of a row of a list."""


class ExactText(forms.CharField):
    """A name, character for character."""

    def to_python(self, value: Any) -> Any:
        text = super().to_python(value)
        if flaw := json_text.flaw_of_text(text or ""):
            raise ValidationError(flaw, code="invalid")
        return text

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**{"strip": False, **kwargs})


class TextFilter(django_filters.CharFilter):
    field_class = ExactText


class Moment(IsoDateTimeField):
    """ISO 8601; without an offset it is meant in the current time zone. A space stands for the `+` of a URL."""

    def clean(self, value: Any) -> Any:
        moment = super().clean(value.replace(" ", "+") if isinstance(value, str) else value)
        try:
            return moment and moment.astimezone(UTC)
        except OverflowError:
            raise ValidationError("lies outside of the years 1 to 9999 in UTC", code="invalid") from None


class MomentFilter(django_filters.IsoDateTimeFilter):
    field_class = Moment


class UserTaskRunFilterSet(django_filters.FilterSet):
    """The filters of the contract, combined with AND."""

    status = django_filters.MultipleChoiceFilter(
        choices=Status.choices, distinct=False, help_text="May be given several times."
    )
    user_task_def_name = TextFilter(label="Definition")
    user_id = TextFilter(label="User")
    user_group = TextFilter(label="Group")
    earliest_start = MomentFilter("scheduled_time", "gte", label="Created from", help_text="Inclusive.")
    latest_start = MomentFilter("scheduled_time", "lte", label="Created until", help_text="Inclusive.")
    wf_run_id = TextFilter(label="Workflow run")
    overdue = django_filters.ChoiceFilter(
        choices=[("true", "Overdue"), ("false", "Not overdue")], method="filter_overdue", label="Due"
    )

    class Meta:
        model = UserTaskRun
        fields: ClassVar[list[str]] = []

    def filter_overdue(self, runs: UserTaskRunQuerySet, name: str, value: str) -> UserTaskRunQuerySet:
        is_overdue = Q(status__in=[Status.UNASSIGNED, Status.ASSIGNED], due_at__lt=timezone.now())
        return runs.filter(is_overdue) if value == "true" else runs.exclude(is_overdue & Q(due_at__isnull=False))


@dataclass(frozen=True)
class Position:
    """Where a page of a list ended."""

    scheduled_time: datetime
    id: uuid.UUID


@dataclass(frozen=True)
class Page:
    """A page of rows with the attributes of `LIST_FIELDS`, and whether there are more of them in its direction."""

    rows: Sequence[Any]
    has_more: bool


class Search:
    """What somebody looks for among what they may see. Raises `InvalidArgument` for what is unknown or malformed.

    `parameters` maps the name of a filter to its texts; a blank one is malformed, and only `status` may be repeated.
    """

    def __init__(self, parameters: MultiValueDict[str, str], *, by: Actor) -> None:
        self.by = by
        self.filterset = UserTaskRunFilterSet(parameters, UserTaskRun.objects.all())
        faults = {
            name: [Fault("unknown_field", "is no filter")] for name in parameters if name not in self.filterset.filters
        }
        for name, texts in parameters.lists():
            if "" in texts or (len(texts) > 1 and name != "status"):
                faults.setdefault(name, [Fault("invalid", "must be given once, and not blank")])
        for name, errors in self.filterset.form.errors.get_json_data().items():
            faults.setdefault(name, [Fault(_code(error["code"]), error["message"]) for error in errors])
        if faults:
            raise InvalidArgument.of(faults)
        self.given: dict[str, Any] = {name: value for name, value in self.filterset.form.cleaned_data.items() if value}

    def runs(self) -> UserTaskRunQuerySet:
        """Everything that matches, in no particular order."""
        runs = cast(UserTaskRunQuerySet, self.filterset.qs)
        owners = self._owners()
        if owners is None:
            return runs
        user_ids, user_groups = owners
        return runs.filter(Q(user_id__in=user_ids) | Q(user_group__in=user_groups))

    def newest(self, *, limit: int, after: Position | None = None, before: Position | None = None) -> Page:
        """The newest `limit` runs; older than `after`, or the nearest that are newer than `before`.

        PostgreSQL merges one index scan for each way in which a run can be visible (mine, each of my groups): what a
        page costs depends on neither how much there is nor how far one has paged. SQLite, which cannot order the parts
        of a union, gets the same conditions joined by OR.
        """
        order = [name.removeprefix("-") for name in NEWEST_FIRST] if before else list(NEWEST_FIRST)
        wanted = limit + 1
        parts = [
            part.filter(*_beyond(after, before)).values_list(*LIST_FIELDS, named=True).order_by(*order)[:wanted]
            for part in self._parts()
        ]
        rows: Any = parts[0] if parts else []
        if len(parts) > 1:
            # A run can come by two ways at most: as mine, and as my group's.
            rows = parts[0].union(*parts[1:], all=True).order_by(*order)[: 2 * wanted]
        found = list({row.id: row for row in rows}.values())
        page = found[:limit]
        return Page(rows=page[::-1] if before else page, has_more=len(found) > limit)

    def _parts(self) -> list[UserTaskRunQuerySet]:
        """What matches, in parts each of which one index answers, newest first.

        Few indexes do without the status, so that where it is open it is spelled out. A workflow run has few runs.
        """
        owners = self._owners()
        if "wf_run_id" in self.given or not connection.features.supports_slicing_ordering_in_compound:
            return [self.runs()]
        seen = (
            [Q()]
            if owners is None
            else [Q(user_id=name) for name in owners[0]] + [Q(user_group=name) for name in owners[1]]
        )
        matching = cast(UserTaskRunQuerySet, self.filterset.qs)
        parts = []
        for way in seen:
            columns = {name for name in ("user_task_def_name", "user_id", "user_group") if name in self.given}
            columns |= {name for name, _ in way.children}  # type: ignore[misc]
            statuses = self._statuses()
            if not statuses and columns in STATUSLESS:
                parts.append(matching.filter(way))
                continue
            parts += [
                matching.filter(way, status=status)
                for status in statuses or Status.values
                if status != Status.UNASSIGNED or "user_id" not in columns
            ]
        return parts

    def _owners(self) -> tuple[list[str], list[str]] | None:
        """The users and the groups of which a run must have one to be seen, as far as the filters leave that open."""
        user_id, user_group = self.given.get("user_id"), self.given.get("user_group")
        if self.by.holds("view_usertaskrun") or user_id == self.by.user_id or user_group in self.by.groups:
            return None
        can_be_mine = user_id is None and self._statuses() != [Status.UNASSIGNED]
        return [self.by.user_id] if can_be_mine else [], [] if user_group else sorted(self.by.groups)

    def _statuses(self) -> list[str]:
        """The statuses that a run must have one of; none where all will do."""
        overdue = OPEN if self.given.get("overdue") == "true" else frozenset(Status.values)
        possible = overdue & set(self.given.get("status") or Status.values)
        return [] if len(possible) == len(Status) else sorted(possible)


def search_from_json(parameters: dict[str, Any], *, by: Actor) -> Search:
    """A search whose filters come as a JSON object: texts, a list of texts for `status`, a boolean for `overdue`."""
    texts: MultiValueDict[str, str] = MultiValueDict()
    for name, value in parameters.items():
        values = value if isinstance(value, list) else [value]
        spelled = ["true" if item is True else "false" if item is False else item for item in values]
        if not spelled or not all(isinstance(item, str) for item in spelled):
            raise InvalidArgument.at(f"filter.{name}", Fault("wrong_type", "must be a text or a list of texts"))
        texts.setlist(name, spelled)
    return Search(texts, by=by)


class Row(Func):
    """`(a, b)`: SQL compares such rows from left to right, and an index starts right there."""

    template = "(%(expressions)s)"
    output_field = BooleanField()


def _beyond(after: Position | None, before: Position | None) -> list[LessThan | GreaterThan]:
    """Older than `after`, newer than `before`, also among those of the same moment."""
    place = Row(*(F(name.removeprefix("-")) for name in NEWEST_FIRST))
    conditions: list[LessThan | GreaterThan] = []
    if after:
        conditions.append(LessThan(place, _row(after)))
    if before:
        conditions.append(GreaterThan(place, _row(before)))
    return conditions


def _row(position: Position) -> Row:
    return Row(Value(position.scheduled_time, DateTimeField()), Value(position.id, UUIDField()))


def _code(form_code: str) -> str:
    return "not_a_choice" if form_code == "invalid_choice" else "invalid"
