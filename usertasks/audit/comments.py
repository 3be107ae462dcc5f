"""Of which run a missing event was, where only its position is known to be missing.

A missing number tells it, or a run with more versions than events. What else may be missing is the last event of a run
if that was about a comment: then the comments say something else than the events do.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import groupby
from operator import itemgetter
from typing import Any
from uuid import UUID

from django.db.models import Max

from ..models import EventType, UserTaskComment, UserTaskEvent
from .findings import MISSING, Finding
from .rows import streamed

ABOUT_COMMENTS = (EventType.COMMENT_ADDED, EventType.COMMENT_EDITED, EventType.COMMENT_DELETED)
MOST_SOUGHT = 1000

Words = dict[int, str | None]
"""The comments of a run by their numbers; a deleted one has no words."""


def named(findings: Sequence[Finding]) -> list[Finding]:
    """The same, the missing ones named by their run where the comments tell it. Reads all comments if there are any."""
    nameless = [finding for finding in findings if finding.what == MISSING and finding.position and not finding.run_id]
    if not 0 < len(nameless) <= MOST_SOUGHT:
        return list(findings)
    known: dict[Finding, Finding] = {}
    for run_id, number, position in _runs_that_lack_one():
        fitting = (one for one in nameless if one not in known and (one.position or 0) > position)
        if found := next(fitting, None):
            known[found] = replace(found, run_id=run_id, number=number)
    return [known.get(finding, finding) for finding in findings]


def _runs_that_lack_one() -> Iterator[tuple[UUID, int, int]]:
    """The runs whose comments are not what the events say, the number that is missing, and the last position."""
    for run_id, told, written in _joined():
        if _words_told(told) != written:
            last = UserTaskEvent.objects.filter(run=run_id).aggregate(number=Max("number"), position=Max("position"))
            yield run_id, (last["number"] or 0) + 1, last["position"] or 0


def _joined() -> Iterator[tuple[UUID, list[Any], Words]]:
    """Run by run, what the events say of its comments, and the comments."""
    events = UserTaskEvent.objects.filter(type__in=ABOUT_COMMENTS).order_by("run_id", "number")
    told = groupby(streamed(events, "run_id", "data"), itemgetter(0))
    comments = UserTaskComment.objects.order_by("run_id", "number")
    one = next(told, None)
    for run_id, rows in groupby(streamed(comments, "run_id", "number", "comment", "deleted"), itemgetter(0)):
        while one and one[0] < run_id:
            one = next(told, None)
        said = [data for _, data in one[1]] if one and one[0] == run_id else []
        yield run_id, said, {number: None if deleted else words for _, number, words, deleted in rows}


def _words_told(said: Iterable[Any]) -> Words:
    """Of data that somebody has written, nothing can be taken for granted."""
    words: Words = {}
    for data in said:
        if isinstance(data, dict):
            words[data.get("comment_id")] = data.get("comment")  # type: ignore[index]
    return words
