"""The one search: exactly what one may see and asked for, newest first, page by page without a gap or a repetition."""

from __future__ import annotations

import contextlib
import random
import uuid
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import transaction
from django.utils import timezone
from django.utils.datastructures import MultiValueDict
from hypothesis import given
from hypothesis import strategies as st

from tests.cast import a_definition, a_run
from tests.domain.strategies import looking_at
from usertasks.actors import Actor
from usertasks.errors import InvalidArgument
from usertasks.filters import Search
from usertasks.json_filters import search_from_json
from usertasks.models import OPEN, Status, UserTaskDef, UserTaskRun
from usertasks.models.orders import Position, newest_position

pytestmark = pytest.mark.django_db

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)
PEOPLE, GROUPS, NAMES = ["alice", "bob", "finance"], ["finance", "it", "bob"], ["leave", "leave-2", "trip"]
"""Some names are those of a person and of a group: one must not be taken for the other."""


def moments(hours: Any) -> Any:
    return hours.map(lambda hour: NOON + timedelta(hours=hour))


rows = st.lists(
    st.fixed_dictionaries(
        {
            "status": st.sampled_from(Status.values),
            "user_id": st.sampled_from(PEOPLE),
            "user_group": st.sampled_from([None, *GROUPS]),
            "name": st.sampled_from(NAMES),
            "scheduled_time": moments(st.integers(0, 3)),
            "due_at": st.none() | moments(st.sampled_from([-(10**4), 10**5])),
            "wf_run_id": st.sampled_from(["wf-1", "wf-2"]),
        }
    ),
    max_size=14,
)
actors = st.builds(
    Actor,
    user_id=st.sampled_from(PEOPLE),
    groups=st.frozensets(st.sampled_from(GROUPS)),
    permissions=st.sampled_from([frozenset[str](), frozenset[str](), frozenset({"view_usertaskrun"})]),
)
filters = st.fixed_dictionaries(
    {},
    optional={
        "status": st.lists(st.sampled_from(Status.values), min_size=1, max_size=5),
        "user_task_def_name": st.sampled_from([[name] for name in NAMES]),
        "user_id": st.sampled_from([[name] for name in PEOPLE]),
        "user_group": st.sampled_from([[name] for name in GROUPS]),
        "wf_run_id": st.just(["wf-1"]),
        "overdue": st.sampled_from([["true"], ["false"]]),
        "earliest_start": moments(st.integers(0, 3)).map(lambda moment: [moment.isoformat()]),
        "latest_start": moments(st.integers(0, 3)).map(lambda moment: [moment.isoformat()]),
    },
)


def written(row: dict[str, Any], definition: UserTaskDef, seed: random.Random) -> UserTaskRun:
    is_unassigned = row["status"] == Status.UNASSIGNED
    return UserTaskRun(
        id=uuid.UUID(int=seed.getrandbits(128)),
        definition=definition,
        user_task_def_name=row["name"],
        user_task_def_version=0,
        status=row["status"],
        user_id=None if is_unassigned else row["user_id"],
        user_group=(row["user_group"] or "it") if is_unassigned else row["user_group"],
        scheduled_time=row["scheduled_time"],
        due_at=row["due_at"],
        wf_run_id=row["wf_run_id"],
        completed_at=NOON if row["status"] == Status.DONE else None,
    )


def is_wanted(run: UserTaskRun, wanted: dict[str, list[str]], by: Actor) -> bool:
    """What the contract says of a run, in plain Python."""
    is_seen = by.holds("view_usertaskrun") or run.user_id == by.user_id or run.user_group in by.groups
    is_overdue = run.status in OPEN and run.due_at is not None and run.due_at < timezone.now()
    checks: dict[str, Callable[[list[str]], bool]] = {
        "status": lambda texts: run.status in texts,
        "user_task_def_name": lambda texts: run.user_task_def_name == texts[0],
        "user_id": lambda texts: run.user_id == texts[0],
        "user_group": lambda texts: run.user_group == texts[0],
        "wf_run_id": lambda texts: run.wf_run_id == texts[0],
        "overdue": lambda texts: is_overdue == (texts[0] == "true"),
        "earliest_start": lambda texts: run.scheduled_time >= datetime.fromisoformat(texts[0]),
        "latest_start": lambda texts: run.scheduled_time <= datetime.fromisoformat(texts[0]),
    }
    return is_seen and all(checks[name](texts) for name, texts in wanted.items())


def pages(search: Search, limit: int, *, backwards: bool = False, start: Position | None = None) -> Iterator[list[Any]]:
    """Page after page; backwards each is nearer to the newest."""
    while True:
        page = search.page(limit=limit, **({"before": start} if backwards else {"after": start}))
        yield list(page.rows)
        if not page.has_more:
            return
        edge = page.rows[0] if backwards else page.rows[-1]
        start = search.order.position_of(edge)


@contextlib.contextmanager
def taken_back() -> Iterator[None]:
    with transaction.atomic():
        yield
        transaction.set_rollback(True)


@looking_at(120)
@given(rows=rows, by=actors, wanted=filters, limit=st.integers(1, 4), seed=st.integers(0, 2**32))
def test_pages_are_exactly_what_was_asked_for(
    rows: list[dict[str, Any]], by: Actor, wanted: dict[str, list[str]], limit: int, seed: int
) -> None:
    with taken_back():
        definition, numbers = a_definition(), random.Random(seed)
        runs = UserTaskRun.objects.bulk_create([written(row, definition, numbers) for row in rows])
        matching = [run for run in runs if is_wanted(run, wanted, by)]
        expected = [run.id for run in sorted(matching, key=lambda run: (run.scheduled_time, run.id), reverse=True)]
        search = Search(MultiValueDict(wanted), by=by)
        assert [row.id for page in pages(search, limit) for row in page] == expected
        end = newest_position(datetime.min.replace(tzinfo=UTC), uuid.UUID(int=0))
        upwards = list(pages(search, limit, backwards=True, start=end))
        assert [row.id for page in reversed(upwards) for row in page] == expected
        assert search.runs().count() == search.count() == len(expected)
        assert search.first_ids(limit) == (expected[:limit], len(expected) > limit)
        assert set(search.runs().values_list("id", flat=True)) == set(expected)
        if not wanted:
            assert set(UserTaskRun.objects.visible_to(by).values_list("id", flat=True)) == set(expected)


HOLDER = Actor("mona", permissions=frozenset({"view_usertaskrun"}))


def test_what_is_created_meanwhile_disturbs_no_page() -> None:
    there = [a_run().id for _ in range(9)]
    found = []
    for page in pages(Search(MultiValueDict(), by=HOLDER), 2):
        found += [row.id for row in page]
        a_run()
    assert found == there[::-1]


def test_a_batch_of_one_moment_is_paged_without_gap() -> None:
    for _ in range(2):
        a_run()
    UserTaskRun.objects.update(scheduled_time=NOON)
    assert sum(len(page) for page in pages(Search(MultiValueDict(), by=HOLDER), 1)) == 2


def test_a_page_is_full_although_rows_are_found_in_two_ways() -> None:
    """A run of mine in my group is found as mine and as my group's."""
    for _ in range(12):
        a_run(user_id="alice")
    by = Actor("alice", groups=frozenset({"finance"}))
    assert [len(page) for page in pages(Search(MultiValueDict(), by=by), 5)] == [5, 5, 2]


@pytest.mark.parametrize(
    ("parameters", "name", "code"),
    [
        ({"colour": ["red"]}, "colour", "unknown_field"),
        ({"status": ["OPEN"]}, "status", "not_a_choice"),
        ({"status": ["DONE", ""]}, "status", "invalid"),
        ({"user_id": [""]}, "user_id", "invalid"),
        ({"user_id": ["alice", "bob"]}, "user_id", "invalid"),
        ({"user_id": ["\0"]}, "user_id", "invalid"),
        ({"user_group": ["\ud800"]}, "user_group", "invalid"),
        ({"earliest_start": ["yesterday"]}, "earliest_start", "invalid"),
        ({"latest_start": ["0001-01-01T00:00:00+14:00"]}, "latest_start", "invalid"),
        ({"overdue": ["maybe"]}, "overdue", "not_a_choice"),
    ],
)
def test_what_is_unknown_or_malformed_is_refused(parameters: dict[str, list[str]], name: str, code: str) -> None:
    with pytest.raises(InvalidArgument) as refusal:
        Search(MultiValueDict(parameters), by=HOLDER)
    assert [fault.code for fault in refusal.value.faults[name]] == [code]


@pytest.mark.parametrize("value", [None, 1, 1.5, {}, [], [1], [["DONE"]], [None]])
def test_a_filter_in_json_is_a_text_or_a_list_of_texts(value: Any) -> None:
    with pytest.raises(InvalidArgument):
        search_from_json({"status": value}, by=HOLDER)


def test_a_filter_in_json_finds_the_same() -> None:
    run = a_run()
    parameters = {"status": ["UNASSIGNED", "DONE"], "overdue": False, "user_group": "finance"}
    assert [row.id for row in search_from_json(parameters, by=HOLDER).page(limit=5).rows] == [run.id]


def test_names_are_compared_letter_by_letter() -> None:
    a_run(user_id="Alice", user_group=None)
    for text, count in (("Alice", 1), ("alice", 0), ("Alice ", 0), ("%", 0), ("A_ice", 0)):
        assert Search(MultiValueDict({"user_id": [text]}), by=HOLDER).runs().count() == count
