"""What happened to a run behind the back of somebody who has its page open."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from usertasks.events import ANSWERING, sentence
from usertasks.models import EventType, UserTaskEvent, UserTaskRun

COMMENTING = (EventType.COMMENT_ADDED, EventType.COMMENT_EDITED, EventType.COMMENT_DELETED)
"""Events that leave the version of the run as it is; each other one makes the next version."""


@dataclass(frozen=True)
class Change:
    event: UserTaskEvent
    sentence: str


@dataclass(frozen=True)
class Changes:
    """The events since a version, and the results that the run had then."""

    events: list[Change] = field(default_factory=list)
    results: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def since(cls, run: UserTaskRun, version: int | None) -> Changes:
        """What happened since the run was at `version`; of a version that it never had, nothing."""
        if version is None or not 0 < version < run.version:
            return cls(results=run.results)
        making_versions = run.events.exclude(type__in=COMMENTING).order_by("number")
        newer = list(making_versions[version:])
        older = run.events.filter(type__in=ANSWERING, number__lt=newer[0].number) if newer else run.events.none()
        answered = older.order_by("number").last()
        return cls([Change(event, sentence(event)) for event in newer], answered.data["results"] if answered else {})
