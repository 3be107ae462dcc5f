"""How many open runs there are of each version of a definition, and how much has been typed into them."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from django.db.models import Count

from ..models import OPEN, Draft, UserTaskRun


@dataclass(frozen=True)
class OpenRuns:
    """The open runs of one version, and the drafts on them that are not saved yet. How many, never which."""

    version: int
    runs: int
    drafts: int


def counts_of(names: Collection[str]) -> dict[tuple[str, int], int]:
    """(name, version) → how many open runs there are; versions without any are left out. One query."""
    open_runs = UserTaskRun.objects.open().filter(user_task_def_name__in=names).order_by()
    rows = open_runs.values_list("user_task_def_name", "user_task_def_version").annotate(Count("id"))
    return {(name, version): count for name, version, count in rows}


def open_runs_of(name: str) -> list[OpenRuns]:
    """The versions of a definition that have open runs, the newest first. Two queries."""
    drafts = Draft.objects.filter(run__user_task_def_name=name, run__status__in=OPEN).exclude(text="").order_by()
    typed = dict(drafts.values_list("run__user_task_def_version").annotate(Count("id")))
    counts = counts_of([name])
    return [OpenRuns(version, runs, typed.get(version, 0)) for (_, version), runs in sorted(counts.items())[::-1]]
