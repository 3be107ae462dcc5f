"""The filters of a search: what each takes, and what it leaves."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping
from copy import copy
from functools import lru_cache
from typing import Any, ClassVar

import django_filters
from django import forms
from django.core.exceptions import ValidationError
from django.db import connection
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils import timezone
from django.utils.datastructures import MultiValueDict
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from . import full_text, json_text
from .actors import Actor
from .errors import Fault, InvalidArgument
from .models import OPEN, Snooze, Status, UserTaskRun
from .models.orders import ORDERS, due_before
from .models.runs import UserTaskRunQuerySet
from .moment_filters import LOCAL_TIME, MomentFilter

TIMES = ("earliest_start", "latest_start")

BRIEF = 300
"""Characters. What asks for more is read each time: else callers would decide how much a process remembers."""


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


class Words(ExactText):
    """Some words; of white space alone there is none."""

    def to_python(self, value: Any) -> Any:
        text = super().to_python(value)
        if text and not text.strip():
            raise ValidationError(gettext("must have a word"), code="invalid")
        return text


class WordsFilter(django_filters.CharFilter):
    field_class = Words


class UserTaskRunFilterSet(django_filters.FilterSet):
    """The filters of the contract, combined with AND, and an order, which leaves nothing out.

    `snoozed` is about what `by` has put off.
    """

    status = django_filters.MultipleChoiceFilter(
        choices=Status.choices, distinct=False, help_text="May be given several times."
    )
    user_task_def_name = TextFilter(label=_("Definition"))
    user_id = TextFilter(label=_("User"))
    user_group = TextFilter(label=_("Group"))
    earliest_start = MomentFilter("scheduled_time", "gte", label=_("Created from"), help_text="Inclusive.", fold=0)
    latest_start = MomentFilter("scheduled_time", "lte", label=_("Created until"), help_text="Inclusive.", fold=1)
    wf_run_id = TextFilter(label=_("Workflow run"))
    overdue = django_filters.ChoiceFilter(
        choices=[("true", _("Overdue")), ("false", _("Not overdue"))], method="filter_overdue", label=_("Due")
    )
    text = WordsFilter(
        method="filter_text",
        max_length=full_text.MAX_TEXT,
        label=_("Text"),
        help_text="Words that the notes, the name of the definition or the results contain, all of them.",
    )
    snoozed = django_filters.ChoiceFilter(
        choices=[("true", _("Snoozed")), ("false", _("Not snoozed"))],
        method="filter_snoozed",
        label=_("Snoozed"),
        help_text="Whether the caller has put it off until later.",
    )
    sort = django_filters.ChoiceFilter(
        choices=[(name, name) for name in ORDERS],
        method="keep_all",
        label=_("Sort"),
        help_text="Newest first unless told otherwise; `due` the soonest, `priority` the highest first.",
    )

    class Meta:
        model = UserTaskRun
        fields: ClassVar[list[str]] = []

    def __init__(
        self, data: MultiValueDict[str, str] | None, queryset: QuerySet[UserTaskRun], *, by: Actor | None = None
    ) -> None:
        self.base_filters = OrderedDict()  # else all of them are copied, with everything in them
        super().__init__(data, queryset)
        kinds = type(self).base_filters.items()
        self.filters = OrderedDict((name, self._own(kind)) for name, kind in kinds if name in (data or ()))
        self.by = by

    def _own(self, kind: django_filters.Filter) -> django_filters.Filter:
        """A filter that asks this filterset; what it is made of never changes."""
        own = copy(kind)
        own.model, own.parent = UserTaskRun, self  # type: ignore[attr-defined]  # as django-filter does
        own.method = kind.method  # it is bound to the filter that it is given to
        return own

    def get_form_class(self) -> type[forms.Form]:
        return _form_of(tuple(self.filters))

    def filter_text(self, runs: UserTaskRunQuerySet, name: str, value: str) -> UserTaskRunQuerySet:
        return full_text.containing(runs, value, vendor=connection.vendor)

    def filter_snoozed(self, runs: UserTaskRunQuerySet, name: str, value: str) -> UserTaskRunQuerySet:
        user_id = self.by.user_id if self.by else ""
        snoozed = Exists(Snooze.objects.of(user_id, timezone.now()).filter(run=OuterRef("pk")))
        return runs.filter(snoozed) if value == "true" else runs.filter(~snoozed)

    def keep_all(self, runs: UserTaskRunQuerySet, name: str, value: str) -> UserTaskRunQuerySet:
        return runs

    def filter_overdue(self, runs: UserTaskRunQuerySet, name: str, value: str) -> UserTaskRunQuerySet:
        is_overdue = Q(due_before(timezone.now()), status__in=OPEN)
        return runs.filter(is_overdue) if value == "true" else runs.exclude(is_overdue)


@lru_cache
def _form_of(names: tuple[str, ...]) -> type[forms.Form]:
    """What reads these filters, made once: each form has copies of its fields."""
    filters = UserTaskRunFilterSet.base_filters
    return type("SearchParameters", (forms.Form,), {name: filters[name].field for name in names})


def asked_for(parameters: MultiValueDict[str, str], *, is_local: bool) -> dict[str, Any]:
    """The values of the filters that these texts give; raises `InvalidArgument`. See `filters.Search`.

    Boxes, saved filters and programs ask for the same again and again; to read it means forms, and copies of fields.
    """
    asked = tuple((name, tuple(texts)) for name, texts in parameters.lists())
    zone = timezone.get_current_timezone_name() if is_local else ""
    read = _read if sum(len(text) for _name, texts in asked for text in texts) <= BRIEF else _read.__wrapped__
    return dict(read(asked, is_local, zone))


@lru_cache(maxsize=1000)
def _read(asked: tuple[tuple[str, tuple[str, ...]], ...], is_local: bool, zone: str) -> Mapping[str, Any]:
    """`zone` is the one of the moment, in which local times are meant."""
    parameters = MultiValueDict({name: list(texts) for name, texts in asked})
    form = UserTaskRunFilterSet(parameters, UserTaskRun.objects.none()).form
    faults = {
        name: [Fault("unknown_field", gettext("is no filter"))]
        for name in parameters
        if name not in UserTaskRunFilterSet.base_filters
    }
    for name, texts in asked:
        if "" in texts or (len(texts) > 1 and name != "status"):
            faults.setdefault(name, [Fault("invalid", gettext("must be given once, and not blank"))])
        elif not is_local and name in TIMES and LOCAL_TIME.fullmatch(texts[0]):
            faults[name] = [Fault("invalid", gettext("must have an offset, such as Z or +01:00"))]
    for name, errors in form.errors.get_json_data().items():
        faults.setdefault(name, [Fault(_code(error["code"]), error["message"]) for error in errors])
    if faults:
        raise InvalidArgument.of(faults)
    return {name: value for name, value in form.cleaned_data.items() if value}


def _code(form_code: str) -> str:
    return "not_a_choice" if form_code == "invalid_choice" else "invalid"
