"""The page of a task: everything it shows, worked out before the template sees it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.forms import BoundField
from django.urls import reverse
from django.utils import timezone
from django.utils.datastructures import MultiValueDict
from django.utils.functional import cached_property

from usertasks.actors import Actor
from usertasks.by_key import find
from usertasks.conditions import hidden_among
from usertasks.controls import FileInput
from usertasks.fieldtypes import type_of
from usertasks.forms import TaskForm
from usertasks.history import Line, history_of
from usertasks.hooks import lapses_on_reassign
from usertasks.hooks import sentence as sentence_of_hook
from usertasks.models import (
    ArmedHook,
    EventType,
    HookState,
    UserTaskComment,
    UserTaskDef,
    UserTaskField,
    UserTaskRun,
)
from usertasks.names import readable
from usertasks.presentation import asks_for_a_person
from usertasks.rules import Action, allowed_actions, decide

from .changes import Changes
from .chosen import ChosenFile, chosen_files
from .contest import Contest
from .draft_box import DraftBox
from .explained import Explained, explained, may_explain
from .moving import Move, MovingBox
from .people import members_of
from .snooze import SnoozeBox
from .typed import Typed

EVERYTHING = "all"
"""What is asked for of the history, if it is not one event."""

HISTORY_LENGTH = 50
"""So many events are shown at first; the rest when asked for."""


def is_in_sight(by: Actor, run: UserTaskRun | UUID) -> bool:
    """Whether `by` may see the run: one at hand, or by its id."""
    if isinstance(run, UserTaskRun):
        return decide(Action.VIEW, run, by).allowed
    return UserTaskRun.objects.visible_to(by).filter(pk=run).exists()


@dataclass(frozen=True)
class Asked:
    """What else of the page somebody wants to see, as the address says it: the history, a comment to be changed,
    what the rules say of somebody."""

    history: str = ""
    comment: str = ""
    explain: str | None = None
    """About whom the rules are to be explained; the empty text is the one who asks, None is nobody."""


NOTHING_ASKED = Asked()


def _number(text: str) -> int | None:
    return int(text) if text.isdecimal() and len(text) < 10 else None


@dataclass(frozen=True)
class Question:
    """A field of the definition: its control in the form, and what is stored, as a person reads it."""

    name: str
    label: str
    bound: BoundField
    answer: str | None
    is_left_out: bool
    """Whether the answers that are stored leave it out: it was not to be asked."""
    file_url: str | None
    theirs: str | None
    """What is stored by now, where somebody changed it while this person was typing something else."""


@dataclass(frozen=True)
class Part:
    """Neighbouring questions under one heading, which may be none; `anchor` is its place in the page."""

    heading: str
    anchor: str
    questions: list[Question]


@dataclass(frozen=True)
class Remark:
    """A comment, with what `by` may do to it, and the words that they were changing it to."""

    comment: UserTaskComment
    can_edit: bool
    can_delete: bool
    draft: str
    is_edited: bool
    """Whether the words stand in a box to be changed: once on the page, and only for whoever wants to."""


@dataclass(frozen=True)
class Timer:
    """What the task does, or has done, by itself."""

    hook: ArmedHook
    sentence: str
    lapses_on_reassign: bool
    is_late: bool
    """Due, and not done yet."""


class TaskPage:
    """What the template of the page is given, as attributes."""

    def __init__(
        self,
        run: UserTaskRun,
        by: Actor,
        typed: Typed | None = None,
        *,
        files: MultiValueDict[str, Any] | None = None,
        must_be_complete: bool = False,
        asked: Asked = NOTHING_ASKED,
        move: Move | None = None,
        snooze_until: str = "",
    ) -> None:
        self.run, self.by, self.typed = run, by, typed
        self.title = readable(run.user_task_def_name)
        self.actions = allowed_actions(run, by)
        self.can_answer = Action.SAVE_PROGRESS in self.actions
        self.is_overdue = run.is_overdue(timezone.now())
        self.fields: Sequence[UserTaskField] = list(run.fields)
        is_about_people = self.can_answer and any(map(asks_for_a_person, self.fields))
        people = members_of([run.user_group]) if is_about_people and run.user_group else ()
        self.moving = MovingBox(run, by, self.actions, move)
        self.snoozing = SnoozeBox(run, by, snooze_until)
        self.asked = asked
        self.changes = Changes.since(run, typed.version if typed else None)
        self.contest = Contest.of(self.fields, self.changes, run, typed, files)
        # A button alone answers nothing: then the form shows what is stored.
        data, files = (typed.form_data, files) if typed and (typed.has_answers or files) else (None, None)
        self.form = TaskForm(
            self.fields,
            run.results,
            data,
            files,
            must_be_complete=must_be_complete,
            people=people,
            kept=self.contest.kept,
        )
        self.asked_comment = _number(asked.comment)
        self.asked_event = _number(asked.history)
        """The event of which the values are shown: once on the page, and only to whoever wants to know."""
        self.shows_all_history = asked.history == EVERYTHING or self._is_far_back(self.asked_event)
        self.draft = DraftBox(run, by, self.fields)
        self.comment_draft = typed.input("comment") if typed else ""

    @cached_property
    def description(self) -> str:
        """What the definition says of it."""
        definition = find(UserTaskDef, id=self.run.definition_id)
        return definition.description if definition else ""

    @property
    def is_stand_in(self) -> bool:
        """Whether they do it for its owner, who is away."""
        return self.run.is_open and self.run.user_id in self.by.stands_in_for

    @property
    def is_excluded(self) -> bool:
        """Whether they must not do it, whatever else they may."""
        return self.run.is_open and self.by.user_id in self.run.excluded_user_ids

    @property
    def may_explain(self) -> bool:
        return may_explain(self.run, self.by)

    @cached_property
    def explained(self) -> Explained | None:
        """What the rules say of whom one asks about."""
        if self.asked.explain is None or not self.may_explain:
            return None
        return explained(self.run, self.asked.explain, self.by)

    @property
    def changed_names(self) -> list[str]:
        """The fields in which something else was typed than what is stored."""
        return self.form.changed_data if self.form.is_bound else []

    @property
    def has_news(self) -> bool:
        """Whether what was typed differs from what is stored."""
        return self._has_edited_comments or bool(self.comment_draft.strip()) or bool(self.changed_names)

    @property
    def _has_edited_comments(self) -> bool:
        is_any_open = self.typed is not None and any(name.startswith("comment-") for name in self.typed.inputs)
        return is_any_open and any(remark.draft != remark.comment.comment for remark in self.remarks if remark.can_edit)

    @property
    def has_no_place(self) -> bool:
        """Whether answers were typed into a form that is there no more."""
        return not self.can_answer and bool(self.changed_names)

    @cached_property
    def questions(self) -> list[Question]:
        hidden = hidden_among(self.fields, self.run.results)
        return [self._question(field, hidden) for field in self.fields]

    @cached_property
    def parts(self) -> list[Part]:
        """The questions by section."""
        named = {question.name: question for question in self.questions}
        return [
            Part(section.heading, section.anchor, [named[answer.name] for answer in section.answers])
            for section in self.form.sections
        ]

    @property
    def has_theirs(self) -> bool:
        """Whether somebody else changed what this person was typing."""
        return any(question.theirs is not None for question in self.questions)

    def _question(self, field: UserTaskField, hidden: Set[str]) -> Question:
        bound = self.form[field.name]
        value = self.run.results.get(field.name)
        file_url = None
        if value is not None and type_of(field).content(value) is not None:
            file_url = reverse("inbox:file", args=[self.run.id, field.position])
        if isinstance(bound.field.widget, FileInput):
            bound.field.widget.saved_url = file_url or ""
        return Question(
            name=field.name,
            label=str(bound.label),
            bound=bound,
            answer=None if value is None else type_of(field).show(value),
            is_left_out=value is None and field.name in hidden,
            file_url=file_url,
            theirs=self._theirs(field, value),
        )

    def _theirs(self, field: UserTaskField, value: Any) -> str | None:
        if self.changes.results.get(field.name) == value or field.name not in self.changed_names:
            return None
        return "" if value is None else type_of(field).show(value)

    @cached_property
    def remarks(self) -> list[Remark]:
        return [self._remark(comment) for comment in self.run.comments.all()]

    def _remark(self, comment: UserTaskComment) -> Remark:
        is_own = comment.user_id == self.by.user_id
        drafts: Mapping[str, list[str]] = self.typed.inputs if self.typed else {}
        draft = drafts.get(f"comment-{comment.number}", [comment.comment])[-1]
        return Remark(
            comment=comment,
            can_edit=is_own and not comment.deleted,
            can_delete=not comment.deleted and (is_own or self.by.holds("assign_usertaskrun")),
            draft=draft.replace("\r\n", "\n"),
            is_edited=comment.number == self.asked_comment or draft.replace("\r\n", "\n") != comment.comment,
        )

    @property
    def typed_answers(self) -> dict[str, str]:
        """What was typed, by the label of the field."""
        return self._labelled(self.typed.answers if self.typed else {})

    @property
    def typed_files(self) -> dict[str, ChosenFile]:
        """The files that were chosen, by the label of the field."""
        return self._labelled(chosen_files(self.typed) if self.typed else {})

    def _labelled[T](self, texts: Mapping[str, T]) -> dict[str, T]:
        labels = {field.name: field.display_name or field.name for field in self.fields}
        return {labels.get(name, name): text for name, text in texts.items()}

    @cached_property
    def _lines(self) -> list[Line]:
        """One more than is shown, which says that there is more."""
        return history_of(self.run, self.fields, most=None if self.shows_all_history else HISTORY_LENGTH + 1)

    @property
    def history(self) -> list[Line]:
        """The newest events first."""
        return self._lines if self.shows_all_history else self._lines[:HISTORY_LENGTH]

    def _is_far_back(self, number: int | None) -> bool:
        """Whether an event is none of the newest ones; the first has the number 1."""
        return number is not None and number <= self.run.events.count() - HISTORY_LENGTH

    @property
    def has_more_history(self) -> bool:
        """Whether there is more than `history` gives."""
        return len(self._lines) > len(self.history)

    @cached_property
    def _timers(self) -> list[Timer]:
        if not self.run.actions:
            return []
        now = timezone.now()
        return [
            Timer(hook, sentence_of_hook(hook), lapses_on_reassign(hook), is_late=hook.due_at <= now)
            for hook in self.run.armed_hooks.all()
        ]

    @property
    def timers(self) -> list[Timer]:
        """What is still to come, the first first."""
        return [timer for timer in self._timers if timer.hook.state == HookState.ARMED]

    @property
    def past_timers(self) -> list[Timer]:
        """What has fired or lapsed, the newest first."""
        past = [timer for timer in self._timers if timer.hook.settled_at is not None]
        return sorted(past, key=lambda timer: (timer.hook.settled_at, timer.hook.pk), reverse=True)

    @property
    def taken_at(self) -> Any:
        """Since when its owner has had it; where that is not among the newest events, it is looked up."""
        known = next((line.event for line in self._lines if line.event.type == EventType.ASSIGNED), None)
        is_long = self._lines and self._lines[-1].event.number > 1
        last = known or (self.run.events.filter(type=EventType.ASSIGNED).last() if is_long else None)
        return last.time if last else self.run.scheduled_time
