"""The history of a run as people read it: a sentence for each event, and what the answers were and became.

All of it is worked out from the events. Whoever asks has found the run among what they may see.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from .events import ANSWERING, sentence, sentence_of_answers
from .fieldtypes import type_of
from .models import UserTaskEvent, UserTaskField, UserTaskRun

LONGEST = 200
"""Characters of an answer that are shown; the rest is in the results."""


@dataclass(frozen=True)
class AnswerChange:
    """What the answer to one question was and became, as people read it; None is no answer."""

    label: str
    was: str | None
    became: str | None


@dataclass(frozen=True)
class Line:
    """A line of history. `changes` are those of the answers, in the order of the questions."""

    event: UserTaskEvent
    sentence: str
    changes: Sequence[AnswerChange] = ()


def history_of(run: UserTaskRun, fields: Sequence[UserTaskField], *, most: int | None = None) -> list[Line]:
    """The newest events first, at most so many. Two queries, however long the history is."""
    events = list(run.events.order_by("-number")[:most])
    lines: list[Line] = []
    before = _results_before(run, events)
    for event in reversed(events):
        if event.type not in ANSWERING:
            lines.append(Line(event, sentence(event)))
            continue
        after = event.data["results"]
        changes = changed_answers(fields, before, after)
        lines.append(Line(event, sentence_of_answers(event, [change.label for change in changes]), changes))
        before = after
    return lines[::-1]


def _results_before(run: UserTaskRun, events: Sequence[UserTaskEvent]) -> Mapping[str, Any]:
    """The results that the run had before these events, the newest of them first."""
    if not events or events[-1].number == 1 or all(event.type not in ANSWERING for event in events):
        return {}
    last = run.events.filter(type__in=ANSWERING, number__lt=events[-1].number).order_by("number").last()
    return last.data["results"] if last else {}


def changed_answers(
    fields: Sequence[UserTaskField], before: Mapping[str, Any], after: Mapping[str, Any]
) -> list[AnswerChange]:
    """The questions whose answers differ; a field that was hidden, or not answered, has none."""
    return [
        AnswerChange(str(field), _shown(field, before.get(field.name)), _shown(field, after.get(field.name)))
        for field in fields
        if before.get(field.name) != after.get(field.name)
    ]


def _shown(field: UserTaskField, value: Any) -> str | None:
    if value is None:
        return None
    text = type_of(field).show(value)
    return text if len(text) <= LONGEST else text[:LONGEST].rstrip() + "…"
