"""The small forms with which an admin says what runs of a definition do by themselves: one for each timer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from django import forms
from django.core.exceptions import ValidationError
from django.forms.formsets import DELETION_FIELD_NAME
from django.utils.translation import gettext_lazy as _

from ..hooks import MAX_ACTIONS, checked_actions, kind_of
from ..models import Hook, HookAction
from ..tasks import registered_tasks
from .form_parts import JsonObject, add_faults, error_of

if TYPE_CHECKING:
    BaseTimerFormSet = forms.BaseFormSet["TimerForm"]
else:
    BaseTimerFormSet = forms.BaseFormSet

UNITS: Mapping[str, int] = {"days": 86400, "hours": 3600, "minutes": 60, "seconds": 1}
UNIT_NAMES = [("days", _("days")), ("hours", _("hours")), ("minutes", _("minutes")), ("seconds", _("seconds"))]

OCCASIONS = [(Hook.ON_ARRIVAL, _("after the task arrives")), (Hook.ON_TASK_ASSIGNED, _("after somebody gets the task"))]
DEEDS = [
    ("", "---------"),
    (HookAction.TASK, _("Run a task")),
    (HookAction.REASSIGN, _("Reassign")),
    (HookAction.CANCEL, _("Cancel the task")),
]

BELONGING: Mapping[str, HookAction] = {
    "task_def_name": HookAction.TASK,
    "variables": HookAction.TASK,
    "user_id": HookAction.REASSIGN,
    "user_group": HookAction.REASSIGN,
}
"""Part of the form → the deed that it is for."""

PARTS: Mapping[str, str] = {"": "deed", "hook": "hook", "delay_seconds": "delay"} | {
    f"{kind}.{part}": part for part, kind in BELONGING.items()
}
"""Where the domain finds a fault → the part of the form that it stands beside."""


def _task_choices() -> list[tuple[str, str]]:
    return [("", "---------"), *((name, name) for name in sorted(registered_tasks()))]


class TimerForm(forms.Form):
    """One timer. Which parts it needs depends on what it does; a part that is for something else is refused."""

    delay = forms.IntegerField(label=_("How long"), required=False)
    unit = forms.ChoiceField(label=_("Unit"), choices=UNIT_NAMES, initial="hours")
    hook = forms.ChoiceField(label=_("After what"), choices=OCCASIONS, initial=Hook.ON_ARRIVAL)
    deed = forms.ChoiceField(label=_("What it does"), choices=DEEDS, required=False)
    user_id = forms.CharField(label=_("User"), required=False, strip=False)
    user_group = forms.CharField(
        label=_("Group"), required=False, strip=False, help_text=_("Alone: released to the group.")
    )
    task_def_name = forms.ChoiceField(label=_("Task"), choices=_task_choices, required=False)
    variables = JsonObject(label=_("Variables"), help_text=_('For the task, as JSON: {"text": "Please decide."}'))

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        named = self["task_def_name"].value()
        if named and named not in registered_tasks():  # shown as it is, and refused when it is saved
            field = self.fields["task_def_name"]
            words = _("%(name)s (not registered)") % {"name": named}
            field.choices = [*_task_choices(), (named, words)]  # type: ignore[attr-defined]

    def clean(self) -> dict[str, Any]:
        values = super().clean() or self.cleaned_data
        for part, kind in BELONGING.items():
            if values.get(part) and values.get("deed") not in (kind, "", None):
                message = _("Is only for: %(deed)s.") % {"deed": dict(DEEDS)[kind]}
                self.add_error(part, ValidationError(message, code="unknown_field"))
        return values

    def action(self) -> dict[str, Any]:
        """What was typed, in the form of the API; to be checked by the domain. A blank part is as if not given."""
        values = self.cleaned_data
        action: dict[str, Any] = {"hook": values.get("hook")}
        if values.get("delay") is not None:
            action["delay_seconds"] = values["delay"] * UNITS[values.get("unit") or "seconds"]
        if deed := values.get("deed"):
            parts = [part for part, kind in BELONGING.items() if kind == deed]
            action[deed] = {part: values[part] for part in parts if values.get(part)}
        return action


class TimerForms(BaseTimerFormSet):
    """The timers of a definition: one form for each, and a blank one, without JavaScript the only way to add one."""

    def initial_form_count(self) -> int:
        """What is sent is all new: each version has its own."""
        return 0 if self.is_bound else super().initial_form_count()

    def kept(self) -> list[TimerForm]:
        """The forms that were filled in and not struck out."""
        return [form for form in self.forms if form.has_changed() and not form.cleaned_data.get(DELETION_FIELD_NAME)]

    def actions(self) -> list[dict[str, Any]]:
        """What was typed, in its normal form; none where something is wrong with it."""
        return checked_actions([form.action() for form in self.kept()])[0]

    def clean(self) -> None:
        """Put what the domain says of each part beside it."""
        kept = self.kept()
        for where, faults in checked_actions([form.action() for form in kept])[1].items():
            _, *place = where.split(".", 2)
            if not place:
                raise ValidationError([error_of(fault) for fault in faults])
            form, part = kept[int(place[0])], PARTS.get(".".join(place[1:]), "deed")
            if part not in form.errors:
                add_faults(form, {part: faults})


_TimerFormSet = forms.formset_factory(
    TimerForm, formset=TimerForms, extra=1, can_delete=True, max_num=MAX_ACTIONS, absolute_max=2 * MAX_ACTIONS
)


def timer_forms(sent: Any = None, *, actions: Sequence[Mapping[str, Any]] = ()) -> TimerForms:
    """The forms as they were sent, or filled with these well-formed actions."""
    forms_of_timers = _TimerFormSet(sent, prefix="timers", initial=[typed_of(action) for action in actions])
    assert isinstance(forms_of_timers, TimerForms)
    return forms_of_timers


def typed_of(action: Mapping[str, Any]) -> dict[str, Any]:
    """A well-formed action as somebody would have typed it."""
    kind, seconds = kind_of(action), action["delay_seconds"]
    unit = next(unit for unit, length in UNITS.items() if seconds % length == 0) if seconds else "hours"
    return {
        "delay": seconds // UNITS[unit],
        "unit": unit,
        "hook": action["hook"],
        "deed": kind.value,
        **{name: value for name, value in action[kind.value].items() if value is not None},
    }
