"""The one search: which runs there are, newest first, for REST, pages, admin and programs alike."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, ClassVar

import django_filters
from django import forms
from django.core.exceptions import ValidationError
from django.db import connection
from django.db.models import Q
from django.utils import timezone
from django.utils.datastructures import MultiValueDict
from django_filters.fields import IsoDateTimeField

from .actors import Actor
from .errors import Fault, InvalidArgument
from .models import Status, UserTaskRun
from .models.runs import NEWEST_FIRST, STATUSLESS, UserTaskRunQuerySet, visibility

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

    status = django_filters.MultipleChoiceFilter(choices=Status.choices, help_text="May be given several times.")
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
        faults = {name: [Fault("unknown_field", "is no filter")] for name in parameters if name not in self.filterset.filters}
        for name, texts in parameters.lists():
            if "" in texts or (len(texts) > 1 and name != "status"):
                faults.setdefault(name, [Fault("invalid", "must be given once, and not blank")])
        for name, errors in self.filterset.errors.get_json_data().items():
            faults.setdefault(name, [Fault(_code(error["code"]), error["message"]) for error in errors])
        if faults:
            raise InvalidArgument.of(faults)
        self.given: dict[str, Any] = {name: value for name, value in self.filterset.form.cleaned_data.items() if value}

    def runs(self) -> UserTaskRunQuerySet:
        """Everything that matches, in no particular order."""
        runs: UserTaskRunQuerySet = self.filterset.qs
        return runs.visible_to(self.by)

    def newest(self, *, limit: int, after: Position | None = None, before: Position | None = None) -> Page:
        """The newest `limit` runs; older than `after`, or the nearest that are newer than `before`.

        PostgreSQL merges one index scan for each way in which a run can be visible (mine, each of my groups): what a
        page costs depends on neither how much there is nor how far one has paged. SQLite, which cannot order the parts
        of a union, gets the same conditions joined by OR.
        """
        order = [name.removeprefix("-") for name in NEWEST_FIRST] if before else list(NEWEST_FIRST)
        ways = self._ways()
        wanted = limit + 1
        if len(ways) > 1 and connection.features.supports_slicing_ordering_in_compound:
            # A run can come by two ways at most: as mine, and as my group's.
            wanted *= 2
            parts = [self._part(way, after, before).order_by(*order)[:wanted] for way in ways]
            rows = parts[0].union(*parts[1:], all=True).order_by(*order)[:wanted]
        else:
            anyhow = ways[0]
            for way in ways[1:]:
                anyhow |= way
            rows = self._part(anyhow, after, before).order_by(*order)[:wanted]
        found = list({row.id: row for row in rows}.values())
        page = found[:limit]
        return Page(rows=page[::-1] if before else page, has_more=len(found) > limit)

    def _part(self, way: Q, after: Position | None, before: Position | None) -> Any:
        runs = self.filterset.filter_queryset(UserTaskRun.objects.filter(way & _beyond(after, before)))
        return runs.values_list(*LIST_FIELDS, named=True)

    def _ways(self) -> list[Q]:
        """The ways in which a run can be visible and match, each answered from one index.

        Few indexes do without the status, so that where it is open it is spelled out.
        """
        given = {name: self.given[name] for name in ("user_task_def_name", "user_id", "user_group") if name in self.given}
        if given.get("user_id") == self.by.user_id or given.get("user_group") in self.by.groups:
            seen = [Q()]
        elif "user_group" in given and not self.by.holds("view_usertaskrun"):
            seen = [Q(user_id=self.by.user_id)]
        else:
            seen = visibility(self.by)
        ways: list[Q] = []
        for way in seen:
            columns = frozenset([*given, *(name for name, _ in way.children)])  # type: ignore[misc]
            statuses = self.given.get("status") or ([] if columns in STATUSLESS else Status.values)
            ways += [way & Q(status=status) for status in statuses] or [way]
        return ways


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


def _beyond(after: Position | None, before: Position | None) -> Q:
    """Older than `after`, newer than `before`: the first part lets the index start there, the second settles ties."""
    if after:
        moment = after.scheduled_time
        return Q(scheduled_time__lte=moment) & (Q(scheduled_time__lt=moment) | Q(id__lt=after.id))
    if before:
        moment = before.scheduled_time
        return Q(scheduled_time__gte=moment) & (Q(scheduled_time__gt=moment) | Q(id__gt=before.id))
    return Q()


def _code(form_code: str) -> str:
    return "not_a_choice" if form_code == "invalid_choice" else "invalid"
