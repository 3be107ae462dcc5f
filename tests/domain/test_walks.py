"""A page that is found by looking at the next runs one by one: nothing is left out, whatever comes by which way."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.utils.datastructures import MultiValueDict

from tests.cast import a_definition
from usertasks.actors import Actor
from usertasks.filters import FEW, Search
from usertasks.models import Status, UserTaskRun
from usertasks.models.orders import NEVER

pytestmark = pytest.mark.django_db

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
GROUPS = [f"group-{number}" for number in range(20)]
MEMBER = Actor("mel", groups=frozenset(GROUPS))
MANAGER = Actor("mona", permissions=frozenset({"view_usertaskrun"}))
RUNS = 4000
WORKFLOW = "large"
LIMIT = 40


@pytest.fixture
def runs() -> Sequence[UserTaskRun]:
    """A few groups have nearly all of them, the newest are those of one group, and many are of one workflow run."""
    definition = a_definition()
    made = []
    for number in range(RUNS):
        status = Status.values[number * 7 % 11 % 4]
        made.append(
            UserTaskRun(
                definition=definition,
                user_task_def_name=definition.name,
                user_task_def_version=0,
                wf_run_id=WORKFLOW if number % 3 == 0 else f"wf-{number}",
                user_id=None if status == Status.UNASSIGNED else "mel" if number % 13 == 0 else "somebody",
                user_group=GROUPS[0 if number > RUNS - 300 else number**2 % 97 % 20 if number % 5 == 0 else 1],
                status=status,
                notes=("apollo " if number % 9 == 0 else "") + ("gemini" if number % 70 == 3 else ""),
                scheduled_time=NOON + timedelta(minutes=number // 3),
                due_at=NOON + timedelta(minutes=number * 17 % RUNS) if number % 4 else None,
                priority=number % 3 * 10,
                completed_at=NOON if status == Status.DONE else None,
            )
        )
    return UserTaskRun.objects.bulk_create(made)


ORDERS: dict[str, Callable[[UserTaskRun], Any]] = {
    "newest": lambda run: (-run.scheduled_time.timestamp(), -run.id.int),
    "oldest": lambda run: (run.scheduled_time, run.id.int),
    "due": lambda run: (run.due_at or NEVER, run.id.int) if run.is_open else (),
    "priority": lambda run: (-run.priority, run.due_at or NEVER, run.id.int) if run.is_open else (),
}


def in_order(runs: Sequence[UserTaskRun], sort: str) -> list[UserTaskRun]:
    """What has ended follows what is open, where that is what comes first."""
    if sort in ("newest", "oldest"):
        return sorted(runs, key=ORDERS[sort])
    ended = [run for run in runs if not run.is_open]
    return [*sorted((run for run in runs if run.is_open), key=ORDERS[sort]), *sorted(ended, key=ORDERS["newest"])]


ASKED: Sequence[tuple[dict[str, list[str]], Callable[[UserTaskRun], bool]]] = [
    ({"text": ["apollo"]}, lambda run: "apollo" in run.notes),
    ({"text": ["gemini"]}, lambda run: "gemini" in run.notes),
    ({"text": ["apollo"], "status": ["CANCELLED"]}, lambda run: "apollo" in run.notes and run.status == "CANCELLED"),
    ({"wf_run_id": [WORKFLOW]}, lambda run: run.wf_run_id == WORKFLOW),
    (
        {"wf_run_id": [WORKFLOW], "user_group": [GROUPS[3]]},
        lambda run: run.wf_run_id == WORKFLOW and run.user_group == GROUPS[3],
    ),
    (
        {"wf_run_id": [WORKFLOW], "text": ["gemini"]},
        lambda run: run.wf_run_id == WORKFLOW and "gemini" in run.notes,
    ),
    (
        {"wf_run_id": [WORKFLOW], "overdue": ["true"]},
        lambda run: run.wf_run_id == WORKFLOW and run.is_open and run.due_at is not None,
    ),
]


@pytest.mark.parametrize("by", [MEMBER, MANAGER], ids=["member of 20 groups", "who sees everything"])
def test_every_page_has_what_comes_next_there_and_back(runs: Sequence[UserTaskRun], by: Actor) -> None:
    assert sum(run.wf_run_id == WORKFLOW for run in runs) > FEW
    for asked, matches in ASKED:
        expected = [run for run in runs if matches(run)]
        for sort in ORDERS:
            search = Search(MultiValueDict({**asked, "sort": [sort]}), by=by)
            ids = [run.id for run in in_order(expected, sort)]
            assert pages_of(search) == ids[: 3 * LIMIT], (asked, sort)


def pages_of(search: Search) -> list[Any]:
    """The ids of the first three pages; on the way, that each leads back to the one before."""
    found: list[Any] = []
    page = search.page(limit=LIMIT)
    for _turn in range(3):
        found += [row.id for row in page.rows]
        if not page.has_more:
            break
        following = search.page(limit=LIMIT, after=search.order.position_of(page.rows[-1]))
        back = search.page(limit=LIMIT, before=search.order.position_of(following.rows[0]))
        assert [row.id for row in back.rows] == [row.id for row in page.rows]
        page = following
    return found
