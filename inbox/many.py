"""Many tasks at once, as the pages show them: what was chosen, what would become of it, and what has."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from django.http import QueryDict
from django.utils.functional import cached_property
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext_lazy

from usertasks import bulk
from usertasks.actors import Actor
from usertasks.bulk_outcomes import UNDO, Outcome
from usertasks.errors import Fault, InvalidArgument
from usertasks.filters import Search
from usertasks.models import OPEN, BulkChange, Status, UserTaskRun
from usertasks.models.runs import guid_of
from usertasks.names import readable
from usertasks.rules import RULES, Action, allowed_actions

from .boxes import BOXES


@dataclass(frozen=True)
class Deed:
    """Something that can be done to many: `action` as `bulk` names it, and its words; those with a number are lazy."""

    action: str
    button: Any
    title: Any
    would: Any
    done: Any


DEEDS: Mapping[str, Deed] = {
    deed.action: deed
    for deed in (
        Deed(
            Action.CLAIM,
            gettext_lazy("Claim selected"),
            ngettext_lazy("Claim %(count)d task", "Claim %(count)d tasks", "count"),
            ngettext_lazy("%(count)d task would become yours.", "%(count)d tasks would become yours.", "count"),
            ngettext_lazy("%(count)d task is yours now.", "%(count)d tasks are yours now.", "count"),
        ),
        Deed(
            Action.RELEASE,
            gettext_lazy("Release selected"),
            ngettext_lazy("Release %(count)d task", "Release %(count)d tasks", "count"),
            ngettext_lazy(
                "%(count)d task would go back to its group.", "%(count)d tasks would go back to their groups.", "count"
            ),
            ngettext_lazy("%(count)d task is back in its group.", "%(count)d tasks are back in their groups.", "count"),
        ),
        Deed(
            Action.ASSIGN,
            gettext_lazy("Reassign selected"),
            ngettext_lazy("Reassign %(count)d task", "Reassign %(count)d tasks", "count"),
            ngettext_lazy("%(count)d task would be reassigned.", "%(count)d tasks would be reassigned.", "count"),
            ngettext_lazy("%(count)d task is reassigned.", "%(count)d tasks are reassigned.", "count"),
        ),
        Deed(
            Action.CANCEL,
            gettext_lazy("Cancel selected"),
            ngettext_lazy("Cancel %(count)d task", "Cancel %(count)d tasks", "count"),
            ngettext_lazy("%(count)d task would be cancelled.", "%(count)d tasks would be cancelled.", "count"),
            ngettext_lazy("%(count)d task is cancelled.", "%(count)d tasks are cancelled.", "count"),
        ),
    )
}

TAKING_BACK = Deed(
    UNDO,
    gettext_lazy("Undo"),
    ngettext_lazy("Undo the change of %(count)d task", "Undo the change of %(count)d tasks", "count"),
    "",
    ngettext_lazy("%(count)d task is back with whom it was.", "%(count)d tasks are back with whom they were.", "count"),
)

WHY_NOT: Mapping[Outcome, Any] = {
    Outcome.ALREADY_CLAIMED: gettext_lazy("Somebody has it already"),
    Outcome.COMPLETED: gettext_lazy("It is done"),
    Outcome.CANCELLED: gettext_lazy("It is cancelled"),
    Outcome.UNASSIGNED: gettext_lazy("Nobody has it"),
    Outcome.NO_GROUP: gettext_lazy("It belongs to no group to which it could go back"),
    Outcome.EXCLUDED: gettext_lazy("It must be done by somebody else, so that four eyes see it"),
    Outcome.NOT_LED: gettext_lazy("You move tasks only among the groups that you lead"),
    Outcome.NO_MEMBER: gettext_lazy("The person is no member of the group"),
    Outcome.NOT_ALLOWED: gettext_lazy("You may not do this with it"),
    Outcome.STALE: gettext_lazy("It has changed in the meantime"),
    Outcome.INVALID: gettext_lazy("It cannot be done with what you gave"),
    Outcome.NOT_FOUND: gettext_lazy("It is gone, or out of your sight"),
}
"""Why something failed, in the order in which people are told."""


@dataclass(frozen=True)
class Bar:
    """What can be done to the ticked rows of a list, and to how many at once."""

    deeds: Sequence[Deed]
    most: int = bulk.MAX_RUNS


def bar_of(search: Search | None, by: Actor) -> Bar:
    """What could make sense for `by` with some of what is found; nothing, where it cannot be asked for."""
    if search is None:
        return Bar([])
    possible = set(search.given.get("status") or Status.values) & OPEN
    return Bar([deed for action, deed in DEEDS.items() if possible & RULES[Action(action)].states and _may(action, by)])


def _may(action: str, by: Actor) -> bool:
    """Whether there can be a run with which `by` may do that."""
    if action == Action.CLAIM:
        return bool(by.groups)
    return action == Action.RELEASE or bool(by.leads) or by.holds(f"{action}_usertaskrun")


@dataclass(frozen=True)
class Chosen:
    """The ids of what somebody ticked, or of all that matched; `seen` the versions that a page has shown them."""

    ids: Sequence[UUID]
    seen: Mapping[UUID, int] = field(default_factory=dict)


def chosen_in(given: QueryDict, by: Actor) -> Chosen:
    """What a form chooses: each `run`, or with `all` everything that the `query` finds in the `box`.

    Raises `InvalidArgument` where that is nothing, or too much.
    """
    if given.get("all"):
        return Chosen(_all_that_match(given, by))
    read = dict(_read(text) for text in given.getlist("run"))
    seen = {run_id: version for run_id, version in read.items() if run_id and version is not None}
    ids = [run_id for run_id in read if run_id]
    if not ids:
        raise _fault(_("Select some tasks first."))
    if len(ids) > bulk.MAX_RUNS:
        raise _too_many()
    return Chosen(ids, seen)


def _all_that_match(given: QueryDict, by: Actor) -> list[UUID]:
    box = BOXES.get(given.get("box", ""))
    if box is None or not box.is_for(by):
        raise _fault(_("Select some tasks first."))
    search = box.search(by, box.given(QueryDict(given.get("query", ""))))
    try:
        ids = bulk.ids_of(search)
    except InvalidArgument:
        raise _too_many() from None
    if not ids:
        raise _fault(_("No task matches any more."))
    return ids


def _read(text: str) -> tuple[UUID | None, int | None]:
    """`id` or `id.version`; what is no id names nothing."""
    run_id, _dot, version = text.partition(".")
    return guid_of(run_id), int(version) if version.isascii() and version.isdigit() and len(version) < 10 else None


def _too_many() -> InvalidArgument:
    return _fault(_("At most %(most)d tasks can be changed at once: look for fewer.") % {"most": bulk.MAX_RUNS})


def _fault(sentence: str) -> InvalidArgument:
    return InvalidArgument(sentence, faults={"run": [Fault("invalid", sentence)]})


@dataclass(frozen=True)
class Item:
    """A task in a heap; `ticket` is what a form sends for it."""

    run: Any
    title: str
    ticket: str


@dataclass(frozen=True)
class Heap:
    """The tasks with the same outcome; of `hidden` ones nothing can be said but that they are."""

    outcome: Outcome
    reason: Any
    items: Sequence[Item]
    hidden: int = 0

    @property
    def count(self) -> int:
        return len(self.items) + self.hidden


class Outcomes:
    """What became of each run, or would, in heaps; `runs` are those that `by` sees."""

    def __init__(self, outcomes: Mapping[UUID, Outcome], runs: Mapping[UUID, Any]) -> None:
        self.by_outcome: dict[Outcome, list[UUID]] = {}
        for run_id, outcome in outcomes.items():
            self.by_outcome.setdefault(outcome, []).append(run_id)
        self.runs = runs

    @property
    def done(self) -> Heap:
        return self._heap(Outcome.DONE, "")

    @property
    def unchanged(self) -> Heap:
        return self._heap(Outcome.UNCHANGED, "")

    @cached_property
    def failed(self) -> list[Heap]:
        return [self._heap(outcome, reason) for outcome, reason in WHY_NOT.items() if outcome in self.by_outcome]

    @property
    def failures(self) -> int:
        return sum(heap.count for heap in self.failed)

    def _heap(self, outcome: Outcome, reason: Any) -> Heap:
        ids = self.by_outcome.get(outcome, [])
        items = [_item(self.runs[run_id]) for run_id in ids if run_id in self.runs]
        return Heap(outcome, reason, items, hidden=len(ids) - len(items))


def _item(run: Any) -> Item:
    return Item(run, readable(run.user_task_def_name), ticket=run.id.hex)


COLUMNS = ("id", "user_task_def_name", "notes", "user_id", "user_group", "status", "version", "due_at", "priority")
RULED = ("excluded_user_ids",)
"""What the rules ask beside what is shown."""


def runs_seen(ids: Sequence[UUID], by: Actor) -> dict[UUID, Any]:
    """The runs among these that `by` sees, as rows, in the order of the ids."""
    rows = UserTaskRun.objects.visible_to(by).filter(pk__in=ids).values_list(*COLUMNS, *RULED, named=True)
    found = {row.id: row for row in rows}
    return {run_id: found[run_id] for run_id in ids if run_id in found}


class Plan:
    """What the page before the change is given, as attributes. Nothing has happened yet.

    `arguments` are what is to be tried; None where somebody has to say first to whom the tasks are to go.
    """

    def __init__(self, deed: Deed, chosen: Chosen, by: Actor, arguments: Mapping[str, Any] | None) -> None:
        self.deed, self.chosen, self.by, self.arguments = deed, chosen, by, arguments
        self.runs = runs_seen(chosen.ids, by)

    @property
    def title(self) -> str:
        return str(self.deed.title % {"count": len(self.chosen.ids)})

    @property
    def tickets(self) -> list[str]:
        """What to send for each: with the version that this page shows, or one that none has where it shows nothing."""
        runs = self.runs
        return [f"{run_id.hex}.{runs[run_id].version if run_id in runs else 0}" for run_id in self.chosen.ids]

    @property
    def assigned(self) -> int:
        """How many of them somebody has."""
        return sum(run.status == Status.ASSIGNED for run in self.runs.values())

    @cached_property
    def outcomes(self) -> Outcomes | None:
        """What would become of each; it is really tried, and taken back."""
        if self.arguments is None:
            return None
        action, arguments, by = self.deed.action, self.arguments, self.by
        results, _none = bulk.change_many(action, self.chosen.ids, arguments, by=by, is_dry_run=True)
        return Outcomes(bulk.outcomes_of(results, action, arguments, by=by), self.runs)

    @property
    def would(self) -> str:
        return str(self.deed.would % {"count": self.outcomes.done.count}) if self.outcomes else ""

    @property
    def is_ending(self) -> bool:
        """Whether it cannot be taken back, so that whoever does it has to say that they are sure."""
        return self.deed.action == Action.CANCEL


class Done:
    """What the page after the change is given, as attributes."""

    def __init__(self, change: BulkChange, by: Actor) -> None:
        self.change, self.by = change, by
        outcomes = {UUID(result["id"]): Outcome(result["outcome"]) for result in change.results}
        self.count = len(outcomes)
        self.runs = runs_seen(list(outcomes), by)
        self.outcomes = Outcomes(outcomes, self.runs)
        self.deed = DEEDS.get(change.action, TAKING_BACK)

    @property
    def title(self) -> str:
        return str(self.deed.title % {"count": self.count})

    @property
    def said(self) -> str:
        return str(self.deed.done % {"count": self.outcomes.done.count})

    @cached_property
    def is_undone(self) -> bool:
        return self.change.undone_by.exists()

    @cached_property
    def undoable(self) -> int:
        """How many have not changed since, of those that it has moved."""
        if self.is_undone:
            return 0
        versions = {UUID(item["id"]): item["version"] for item in self.change.items}
        return sum(run_id in self.runs and self.runs[run_id].version == versions[run_id] for run_id in versions)

    @cached_property
    def bar(self) -> Bar:
        """What could be done next with those that failed."""
        failed = [item.run for heap in self.outcomes.failed for item in heap.items]
        allowed = {action for run in failed for action in allowed_actions(run, self.by)}
        return Bar([deed for action, deed in DEEDS.items() if action in allowed])
