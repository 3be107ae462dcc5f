"""The part of a task's page in which whoever may do so moves the task to others, or cancels it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from django.utils.functional import cached_property

from usertasks.actors import Actor
from usertasks.models import UserTaskRun
from usertasks.rules import Action

from .people import members_of, names_of_groups

USER, GROUP, SURE = "move-user", "move-group", "move-sure"
"""The names of the inputs."""


@dataclass(frozen=True)
class Move:
    """What somebody wrote there: to whom the task is to go, and whether they are sure that it is to be cancelled."""

    user_id: str
    user_group: str
    is_sure: bool = False


def move_in(inputs: Mapping[str, str]) -> Move | None:
    """What a POST brings; None where it comes from a page that had nothing to write this into."""
    if not {USER, GROUP, SURE} & set(inputs):
        return None
    return Move(inputs.get(USER, ""), inputs.get(GROUP, ""), SURE in inputs)


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
    def groups(self) -> list[str]:
        """Where it could wait."""
        return sorted(self.by.leads) if self.is_within_groups else names_of_groups()

    @cached_property
    def people(self) -> list[str]:
        """Who could do it: of a group that a lead leads, of the task's own group, or anybody where it has none."""
        groups = self.groups if self.is_within_groups else [self.run.user_group] if self.run.user_group else None
        return [name for name in members_of(groups) if name not in self.run.excluded_user_ids]
