"""Two people answered one task: theirs and mine, field by field, for the slower one to choose from.

`contest.py` says what is contested; here it is put into words. Whoever chooses sends what was typed once more, with a
choice for each contested field: see `typed.CHOICE`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from usertasks.errors import Refused, Stale
from usertasks.fieldtypes import type_of
from usertasks.models import UserTaskField
from usertasks.rules import Action

from .changes import Change
from .task_page import TaskPage
from .typed import CHOICE

ANSWERING = frozenset({Action.SAVE_PROGRESS, Action.COMPLETE})
"""The buttons that send answers."""


@dataclass(frozen=True)
class Settled:
    """A field that only one side changed, and what it became; None where there is no answer."""

    label: str
    answer: str | None


@dataclass(frozen=True)
class Contested:
    """A field that both changed; `input` is the name under which the choice is sent."""

    label: str
    input: str
    before: str | None
    theirs: str | None
    mine: str | None
    chosen: str
    """`theirs`, `mine`, or nothing yet."""


@dataclass(frozen=True)
class Conflict:
    """What the page shows: who was quicker (`changes`), what is contested, and what is not."""

    button: str
    changes: Sequence[Change]
    contested: Sequence[Contested]
    only_theirs: Sequence[Settled]
    only_mine: Sequence[Settled]
    inputs: Sequence[tuple[str, str]]
    """Everything that was typed, by the name of its input, to be sent again."""


def conflict_of(refusal: Refused, page: TaskPage, button: str) -> Conflict | None:
    """The conflict behind a refusal, if there is one that a choice can settle."""
    if not isinstance(refusal, Stale) or button not in ANSWERING or button not in page.actions:
        return None
    contest = page.contest
    if not page.typed or not contest.as_typed:
        return None
    return Conflict(
        button=button,
        changes=page.changes.events,
        contested=[_contested(page, field) for field in page.fields if field.name in contest.contested],
        only_theirs=[
            _settled(field, page.run.results) for field in page.fields if field.name in contest.theirs - contest.mine
        ],
        only_mine=[_typed(page, field) for field in page.fields if field.name in contest.mine - contest.theirs],
        inputs=[(name, text) for name, texts in page.typed.inputs.items() for text in texts],
    )


def _contested(page: TaskPage, field: UserTaskField) -> Contested:
    return Contested(
        label=_label(field),
        input=CHOICE + field.name,
        before=_shown(field, page.changes.results),
        theirs=_shown(field, page.run.results),
        mine=_typed(page, field).answer,
        chosen=page.contest.choices.get(field.name, ""),
    )


def _typed(page: TaskPage, field: UserTaskField) -> Settled:
    """What was typed; where it cannot be read, letter by letter."""
    form = page.contest.as_typed
    assert form is not None
    if field.name in form.errors:
        return Settled(_label(field), str(form[field.name].value() or "") or None)
    return _settled(field, form.results)


def _settled(field: UserTaskField, results: Mapping[str, Any]) -> Settled:
    return Settled(_label(field), _shown(field, results))


def _shown(field: UserTaskField, results: Mapping[str, Any]) -> str | None:
    value = results.get(field.name)
    return None if value is None else type_of(field).show(value)


def _label(field: UserTaskField) -> str:
    return field.display_name or field.name
