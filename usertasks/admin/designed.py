"""What stands in the form of a definition, worked out while it is typed: the form that it makes, or what is wrong with
it; what it changes against the newest version; and the open runs that stay on the old ones."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.forms import BaseForm
from django.forms.formsets import DELETION_FIELD_NAME
from django.utils.translation import gettext_lazy as _

from ..forms import TaskForm
from ..hooks import sentence_of
from ..models import UserTaskDef, UserTaskField
from .definition_changes import DefinitionChanges, Design, changes_between
from .definition_forms import DefinitionForm, FieldFormSet
from .open_runs import OpenRuns, open_runs_of


@dataclass(frozen=True)
class Problem:
    """What is wrong, where it stands in words, and the id of the input that it stands beside ("" for none)."""

    where: str
    anchor: str
    message: str


@dataclass(frozen=True)
class Designed:
    """`form` is None where there are problems, `newest` and `changes` where there is no version yet."""

    problems: Sequence[Problem]
    form: TaskForm | None = None
    timers: Sequence[str] = ()
    newest: UserTaskDef | None = None
    changes: DefinitionChanges | None = None
    open_runs: Sequence[OpenRuns] = field(default_factory=list)


def designed(form: DefinitionForm, formset: FieldFormSet) -> Designed:
    """What the form of a definition would put: as it was sent, else as it is."""
    name = form.cleaned_data.get("name", form.instance.name) if form.is_bound else form.instance.name
    newest = UserTaskDef.objects.named(name).newest_first().first() if name else None
    open_runs = open_runs_of(newest.name) if newest else []
    problems = list(_problems(form, formset)) if form.is_bound else []
    if problems:
        return Designed(problems, newest=newest, open_runs=open_runs)
    fields, description, actions = _said(form, formset, newest)
    timers = [sentence_of(action) for action in actions]
    changes = None
    if newest:
        was = _design(newest.description, list(newest.fields.all()), newest.actions)
        changes = changes_between(was, _design(description, fields, actions))
    return Designed([], TaskForm(fields, {}), timers, newest, changes, open_runs)


def _said(
    form: DefinitionForm, formset: FieldFormSet, newest: UserTaskDef | None
) -> tuple[list[UserTaskField], str, list[dict[str, Any]]]:
    """The fields, the description and the timers that saving would put."""
    definition = form.instance
    if not form.is_bound:
        return list(definition.fields.all()) if definition.pk else [], definition.description, definition.actions
    inherited = newest.actions if newest else []
    actions = inherited if form.timers is None else form.timers.actions()
    return formset.fields_put(), form.cleaned_data["description"], actions


def _design(description: str, fields: Sequence[UserTaskField], actions: Sequence[dict[str, Any]]) -> Design:
    return Design(description, [field.content() for field in fields], [sentence_of(action) for action in actions])


def _problems(form: DefinitionForm, formset: FieldFormSet) -> Iterator[Problem]:
    yield from _problems_of(form, "")
    yield from (Problem(str(_("Fields")), "", str(message)) for message in formset.non_form_errors())
    for number, row in enumerate(formset.forms, start=1):
        if not row.cleaned_data.get(DELETION_FIELD_NAME):
            yield from _problems_of(row, _("Field “%(name)s”") % {"name": row["name"].value() or f"#{number}"})
    for number, timer in enumerate(form.timers.forms if form.timers else (), start=1):
        if not timer.cleaned_data.get(DELETION_FIELD_NAME):
            yield from _problems_of(timer, _("Timer #%(number)s") % {"number": number})


def _problems_of(form: BaseForm, where: str) -> Iterator[Problem]:
    for part, messages in form.errors.items():
        bound = form[part] if part in form.fields else None
        place = ", ".join(filter(None, [where, str(bound.label) if bound else ""]))
        yield from (Problem(place, str(bound.auto_id) if bound else "", str(message)) for message in messages)
