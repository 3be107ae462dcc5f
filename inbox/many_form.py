"""The form that asks to whom many tasks are to go."""

from __future__ import annotations

from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.datastructures import MultiValueDict
from django.utils.functional import cached_property
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from usertasks.actors import Actor, is_member
from usertasks.models.runs import MAX_ID
from usertasks.owners import faults_of_owner

from .people import has_account, is_group, members_of, names_of_groups
from .reasons import as_sentence

UNKNOWN = "unknown"
"""The code of an error that whoever is sure can tick away."""


class Name(forms.CharField):
    """The name of a person or a group, which some identity provider knows: any text will do."""

    def __init__(self, *, suggestions: str, **more: Any) -> None:
        attributes = {"list": suggestions, "autocomplete": "off", "autocapitalize": "none", "spellcheck": "false"}
        widget = forms.TextInput(attrs=attributes)
        super().__init__(required=False, empty_value=None, widget=widget, max_length=MAX_ID, **more)


class ReassignForm(forms.Form):
    """Asks for a person, a group or both. `assigned` is how many of the tasks somebody has."""

    user_id = Name(label=gettext_lazy("Person to do them"), suggestions="many-people")
    user_group = Name(label=gettext_lazy("Group in which they wait"), suggestions="many-groups")
    override_claim = forms.BooleanField(label=gettext_lazy("Also where somebody has it already"), required=False)

    def __init__(self, given: MultiValueDict[str, str] | None, *, by: Actor) -> None:
        super().__init__(given, prefix=None, auto_id="many-%s")
        self.by = by

    @property
    def is_within_groups(self) -> bool:
        """Whether a lead moves them, who has only their own groups to choose from."""
        return not self.by.holds("assign_usertaskrun")

    @cached_property
    def groups(self) -> list[str]:
        return sorted(self.by.leads) if self.is_within_groups else names_of_groups()

    @cached_property
    def people(self) -> list[str]:
        return members_of(self.groups if self.is_within_groups else None)

    def clean(self) -> None:
        if self.errors:
            return
        user_id, user_group = self.cleaned_data["user_id"], self.cleaned_data["user_group"]
        if user_id is None and user_group is None:
            self.add_error("user_id", _("Name a person, a group, or both."))
            return
        for name, faults in faults_of_owner(user_id=user_id, user_group=user_group).items():
            self.add_error(name, as_sentence(faults[0].message))
        if not self.errors:
            self._require_led(user_id, user_group)
        if not self.errors:
            self._require_known(user_id, user_group)

    def _require_led(self, user_id: str | None, user_group: str | None) -> None:
        """The same as the rules would say of each single task."""
        if not self.is_within_groups:
            return
        if user_group not in self.by.leads:
            self.add_error("user_group", _("This has to be a group that you lead."))
        elif user_id and not is_member(user_id, user_group):
            said = _("The group %(group)s has no member %(name)s.") % {"name": user_id, "group": user_group}
            self.add_error("user_id", said)

    def _require_known(self, user_id: str | None, user_group: str | None) -> None:
        """Names of which nobody here has heard are perhaps misspelled: one has to say that they are meant."""
        if user_id and self.data.get("known_user") != user_id and not has_account(user_id):
            said = _("There is no account %(name)s here.") % {"name": user_id}
            self.add_error("user_id", ValidationError(said, code=UNKNOWN))
        if user_group and self.data.get("known_group") != user_group and not is_group(user_group):
            said = _("There is no group %(name)s here.") % {"name": user_group}
            self.add_error("user_group", ValidationError(said, code=UNKNOWN))

    @property
    def asks_about_user(self) -> bool:
        """Whether there is a tick for a person of whom nobody has heard; it stays once it is ticked."""
        return self.has_error("user_id", UNKNOWN) or bool(self.data.get("known_user"))

    @property
    def asks_about_group(self) -> bool:
        return self.has_error("user_group", UNKNOWN) or bool(self.data.get("known_group"))

    @property
    def arguments(self) -> dict[str, Any] | None:
        """What the operation takes; None where it cannot be said yet."""
        return dict(self.cleaned_data) if self.is_bound and self.is_valid() else None
