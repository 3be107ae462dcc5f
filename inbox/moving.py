"""The part of a task's page in which whoever may do so moves the task to others, or cancels it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from django.utils.functional import cached_property
from django.utils.translation import gettext as _

from usertasks.actors import Actor, is_member
from usertasks.errors import Fault, Faults
from usertasks.models import UserTaskRun
from usertasks.rules import Action

from .people import has_account, is_group, members_of, names_of_groups

USER, GROUP, SURE = "move-user", "move-group", "move-sure"
KNOWN_USER, KNOWN_GROUP = "move-known-user", "move-known-group"
"""The names of the inputs."""

UNKNOWN = "unknown"
"""The code of a fault that whoever is sure can tick away."""


@dataclass(frozen=True)
class Move:
    """What somebody wrote there: to whom the task is to go, and whether they are sure that it is to be cancelled."""

    user_id: str
    user_group: str
    is_sure: bool = False
    known_user: str = ""
    """A person of whom nobody here has heard, and who is meant all the same; it counts for this very name."""
    known_group: str = ""


def move_in(inputs: Mapping[str, str]) -> Move | None:
    """What a POST brings; None where it comes from a page that had nothing to write this into."""
    if not {USER, GROUP, SURE} & set(inputs):
        return None
    known_user, known_group = inputs.get(KNOWN_USER, ""), inputs.get(KNOWN_GROUP, "")
    return Move(inputs.get(USER, ""), inputs.get(GROUP, ""), SURE in inputs, known_user, known_group)


class MovingBox:
    """What the template is given, as attributes: what is written there, and whom it suggests."""

    def __init__(self, run: UserTaskRun, by: Actor, actions: list[str], move: Move | None) -> None:
        self.run, self.by = run, by
        self.can_assign, self.can_cancel = Action.ASSIGN in actions, Action.CANCEL in actions
        self.as_it_is = Move(run.user_id or "", run.user_group or "")
        self.move = move or self.as_it_is

    @property
    def is_written_in(self) -> bool:
        return self.move != self.as_it_is

    @property
    def is_within_groups(self) -> bool:
        """Whether a lead moves it, who has only their own groups to choose from."""
        return not self.by.holds("assign_usertaskrun")

    @cached_property
    def objections(self) -> Faults:
        """Why the rules do not let `by` give it to these, who may move it as such: what they refuse, field by field."""
        user_id, user_group = self.move.user_id, self.move.user_group
        faults: dict[str, list[Fault]] = {}
        if not self.can_assign:
            return faults
        if user_id in self.run.excluded_user_ids:
            faults["user_id"] = [Fault("excluded", _("This task must not be done by %s") % user_id)]
        if not self.is_within_groups:
            return faults
        if user_group not in self.by.leads:
            faults["user_group"] = [Fault("not_a_choice", _("This has to be a group that you lead"))]
        elif user_id and not faults and not is_member(user_id, user_group):
            fault = _("The group %(group)s has no member %(name)s") % {"name": user_id, "group": user_group}
            faults["user_id"] = [Fault("not_a_choice", fault)]
        return faults

    @cached_property
    def unknown(self) -> Faults:
        """Names of which nobody here has heard, and which nobody has confirmed: perhaps they are misspelled."""
        move, as_it_is = self.move, self.as_it_is
        faults: dict[str, list[Fault]] = {}
        if self.objections or not self.can_assign:
            return {}
        if move.user_id not in ("", as_it_is.user_id, move.known_user) and not has_account(move.user_id):
            faults["user_id"] = [Fault(UNKNOWN, _("There is no account %s here") % move.user_id)]
        if move.user_group not in ("", as_it_is.user_group, move.known_group) and not is_group(move.user_group):
            faults["user_group"] = [Fault(UNKNOWN, _("There is no group %s here") % move.user_group)]
        return faults

    @property
    def asks_about_user(self) -> bool:
        """Whether there is a tick for a person of whom nobody has heard; it stays there once it is ticked."""
        return "user_id" in self.unknown or self.move.known_user == self.move.user_id != ""

    @property
    def asks_about_group(self) -> bool:
        return "user_group" in self.unknown or self.move.known_group == self.move.user_group != ""

    @cached_property
    def groups(self) -> list[str]:
        """Where it could wait."""
        return sorted(self.by.leads) if self.is_within_groups else names_of_groups()

    @cached_property
    def people(self) -> list[str]:
        """Who could do it: of a group that a lead leads, of the task's own group, or anybody where it has none."""
        groups = self.groups if self.is_within_groups else [self.run.user_group] if self.run.user_group else None
        return [name for name in members_of(groups) if name not in self.run.excluded_user_ids]
