"""`GET user-task-runs/`: filters, visibility and pages."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.utils import timezone

from tests.api.conftest import Caller
from tests.cast import FINANCE, a_definition, a_run, claimed_by, done_by
from usertasks import operations
from usertasks.actors import actor_for
from usertasks.filterset import UserTaskRunFilterSet
from usertasks.models import UserTaskField, UserTaskRun

As = Callable[[User], Caller]


def ids(answer: Any) -> list[str]:
    assert answer.status_code == 200, answer.content
    return [row["id"] for row in answer.json()["results"]]


def created(run: UserTaskRun, days_ago: int) -> UserTaskRun:
    run.scheduled_time = timezone.now() - timedelta(days=days_ago)
    UserTaskRun.objects.filter(pk=run.pk).update(scheduled_time=run.scheduled_time)
    return run


def test_the_list_shows_exactly_what_the_caller_may_see(as_: As, alice: User, charlie: User, mona: User) -> None:
    mine = created(claimed_by(alice), 3)
    groups = created(a_run(), 2)
    others = created(a_run(user_group="it"), 1)
    personal = a_run(user_id="charlie", user_group=None)
    assert ids(as_(alice).get("user-task-runs/")) == [groups.id.hex, mine.id.hex]
    assert ids(as_(charlie).get("user-task-runs/")) == [personal.id.hex, others.id.hex]
    assert ids(as_(mona).get("user-task-runs/")) == [personal.id.hex, others.id.hex, groups.id.hex, mine.id.hex]


def test_a_row_is_a_run_without_its_fields_and_timers(as_: As, alice: User) -> None:
    run = claimed_by(alice)
    detail = as_(alice).get(f"user-task-runs/{run.id.hex}/").json()
    detail.pop("fields")
    detail.pop("armed_actions")
    detail.pop("snoozed_until")
    assert as_(alice).get("user-task-runs/").json()["results"] == [detail]


@pytest.fixture
def five(alice: User) -> dict[str, UserTaskRun]:
    """One run for each thing that a filter can tell apart."""
    other = a_definition("other", [UserTaskField(name="a", type="INT", required=False)])
    now = timezone.now()
    return {
        "waiting": created(a_run(), 5),
        "claimed": created(claimed_by(alice, wf_run_id="wf-7"), 4),
        "done": created(claimed_by(alice), 3),
        "other": created(a_run(other, due_at=now - timedelta(hours=1)), 2),
        "bobs": created(a_run(user_id="bob", due_at=now + timedelta(hours=1)), 1),
    }


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("", "bobs other done claimed waiting"),
        ("status=UNASSIGNED", "other waiting"),
        ("status=UNASSIGNED&status=DONE", "other done waiting"),
        ("status=CANCELLED", ""),
        ("user_task_def_name=other", "other"),
        ("user_task_def_name=oth", ""),
        ("user_id=alice", "done claimed"),
        ("user_id=bob", "bobs"),
        ("user_id=Alice", ""),
        ("user_group=finance", "bobs other done claimed waiting"),
        ("user_group=it", ""),
        ("wf_run_id=wf-7", "claimed"),
        ("overdue=true", "other"),
        ("overdue=false", "bobs done claimed waiting"),
        ("user_id=alice&status=DONE&user_group=finance&user_task_def_name=it-request", "done"),
        ("user_id=alice&user_task_def_name=other", ""),
    ],
)
def test_filters_are_combined_with_and(
    as_: As, alice: User, five: dict[str, UserTaskRun], query: str, expected: str
) -> None:
    results = {"requestedItem": "a", "justification": "b"}
    operations.complete(five["done"].id, results, by=actor_for(alice))
    names = {run.id.hex: name for name, run in five.items()}
    assert " ".join(names[run_id] for run_id in ids(as_(alice).get(f"user-task-runs/?{query}"))) == expected


def test_the_time_range_is_inclusive(as_: As, alice: User, five: dict[str, UserTaskRun]) -> None:
    start = five["done"].scheduled_time.isoformat().replace("+00:00", "Z")
    end = five["other"].scheduled_time.isoformat()  # its "+" arrives as a space, as curl users know
    found = ids(as_(alice).get(f"user-task-runs/?earliest_start={start}&latest_start={end}"))
    assert found == [five["other"].id.hex, five["done"].id.hex]


@pytest.mark.parametrize(
    ("query", "field", "code"),
    [
        ("status=OPEN", "status", "not_a_choice"),
        ("status=assigned", "status", "not_a_choice"),
        ("nope=1", "nope", "unknown_field"),
        ("page=2", "page", "unknown_field"),
        ("user_id=", "user_id", "invalid"),
        ("user_id=a&user_id=b", "user_id", "invalid"),
        ("user_id=%00", "user_id", "invalid"),
        ("earliest_start=yesterday", "earliest_start", "invalid"),
        ("earliest_start=2026-01-01", "earliest_start", "invalid"),
        ("earliest_start=2026-01-01T00:00", "earliest_start", "invalid"),
        ("earliest_start=2026-W47-6", "earliest_start", "invalid"),
        ("earliest_start=2026-01-01T00:00:00%2B0200", "earliest_start", "invalid"),
        ("latest_start=2026-13-01T00:00:00Z", "latest_start", "invalid"),
        ("latest_start=0001-01-01T00:00:00%2B14:00", "latest_start", "invalid"),
        ("overdue=maybe", "overdue", "not_a_choice"),
        ("limit=0", "limit", "out_of_range"),
        ("limit=201", "limit", "out_of_range"),
        ("limit=ten", "limit", "out_of_range"),
        ("limit=\u0663", "limit", "out_of_range"),
        ("limit=1&limit=2", "limit", "invalid"),
        ("cursor=", "cursor", "invalid"),
        ("cursor=nonsense", "cursor", "invalid"),
        ("cursor=WyJhIiwgMV0", "cursor", "invalid"),
        ("cursor=WyJhIiwgIngiLCAieSJd", "cursor", "invalid"),
        ("cursor=WyJhIixbXV0", "cursor", "invalid"),
    ],
)
def test_what_is_unknown_or_malformed_is_refused(as_: As, alice: User, query: str, field: str, code: str) -> None:
    answer = as_(alice).get(f"user-task-runs/?{query}")
    assert (answer.status_code, answer.json()["code"]) == (400, "invalid_argument")
    assert [fault["code"] for fault in answer.json()["errors"][field]] == [code]


def test_pages_follow_each_other_without_gap_or_repeat_and_lead_back(as_: As, alice: User) -> None:
    same_moment = timezone.now()
    runs = [a_run(user_id="alice" if number % 3 else None) for number in range(11)]
    UserTaskRun.objects.update(scheduled_time=same_moment)
    caller = as_(alice)
    answer, pages = caller.get("user-task-runs/?limit=4&user_group=finance").json(), []
    assert answer["previous"] is None
    while True:
        pages.append([row["id"] for row in answer["results"]])
        if answer["next"] is None:
            break
        answer = caller.get(answer["next"].split("/api/v1/")[1]).json()
    assert [len(page) for page in pages] == [4, 4, 3]
    assert sorted(itertools.chain(*pages)) == sorted(run.id.hex for run in runs)
    back = caller.get(answer["previous"].split("/api/v1/")[1]).json()
    assert [row["id"] for row in back["results"]] == pages[1]
    first = caller.get(back["previous"].split("/api/v1/")[1]).json()
    assert [row["id"] for row in first["results"]] == pages[0]
    assert first["previous"] is None


ORDERS = ("newest", "oldest", "due", "priority")


@pytest.mark.parametrize(("made", "used"), list(itertools.product(ORDERS, ORDERS)))
def test_a_cursor_belongs_to_its_order(as_: As, alice: User, made: str, used: str) -> None:
    a_run(), a_run()
    page = as_(alice).get(f"user-task-runs/?limit=1&sort={made}").json()
    answer = as_(alice).get(page["next"].split("/api/v1/")[1].replace(f"sort={made}", f"sort={used}"))
    if made == used:
        assert set(ids(answer)).isdisjoint(row["id"] for row in page["results"])
    else:
        assert (answer.status_code, answer.json()["code"]) == (400, "invalid_argument")
        assert set(answer.json()["errors"]) == {"cursor"}


def test_a_new_run_does_not_shift_the_next_page(as_: As, alice: User) -> None:
    runs = [created(a_run(), days) for days in (1, 2, 3, 4)]
    caller = as_(alice)
    first = caller.get("user-task-runs/?limit=2").json()
    a_run()
    second = caller.get(first["next"].split("/api/v1/")[1]).json()
    assert [row["id"] for row in second["results"]] == [run.id.hex for run in runs[2:]]


@pytest.mark.parametrize("limit", [1, 200])
def test_a_limit_at_its_bounds_is_taken(as_: As, alice: User, limit: int) -> None:
    a_run()
    assert len(ids(as_(alice).get(f"user-task-runs/?limit={limit}"))) == 1


def test_events_and_comments_are_pages_too(as_: As, alice: User) -> None:
    run = done_by(alice)
    caller = as_(alice)
    first = caller.get(f"user-task-runs/{run.id.hex}/events/?limit=2").json()
    assert [event["number"] for event in first["results"]] == [1, 2]
    second = caller.get(first["next"].split("/api/v1/")[1]).json()
    assert [event["number"] for event in second["results"]] == [3]
    assert second["next"] is None
    assert caller.get(f"user-task-runs/{run.id.hex}/events/?type=saved").status_code == 400
    assert caller.get(f"user-task-runs/{run.id.hex}/comments/?limit=x").status_code == 400
    assert caller.get(f"user-task-runs/{run.id.hex}/comments/").json() == {
        "next": None,
        "previous": None,
        "results": [],
    }


@pytest.mark.parametrize("rows", [1, 30])
def test_a_page_takes_the_same_number_of_queries_whatever_its_length(
    as_: As, alice: User, rows: int, django_assert_num_queries: Any
) -> None:
    for _ in range(rows):
        a_run()
    caller = as_(alice)
    caller.get("user-task-runs/")  # the first use of a token is written down
    with django_assert_num_queries(2):  # the token with all that it gives, the page
        assert len(ids(caller.get("user-task-runs/"))) == rows


@pytest.mark.parametrize("rows", [1, 30])
def test_other_lists_take_a_fixed_number_of_queries_too(
    as_: As, alice: User, rows: int, django_assert_num_queries: Any
) -> None:
    run = a_run()
    for number in range(rows):
        operations.add_comment(run.id, "hello", by=actor_for(alice))
        a_definition(f"definition-{number}")
    caller = as_(alice)
    caller.get("user-task-defs/")  # the first use of a token is written down
    with django_assert_num_queries(3):  # the token, the definitions, their fields
        caller.get("user-task-defs/")
    for name in ("events", "comments"):
        with django_assert_num_queries(3):  # the token, the run, the page
            caller.get(f"user-task-runs/{run.id.hex}/{name}/")


def test_every_searchable_field_of_the_contract_has_a_filter() -> None:
    assert set(UserTaskRunFilterSet.base_filters) == {
        "status",
        "user_task_def_name",
        "user_id",
        "user_group",
        "earliest_start",
        "latest_start",
        "wf_run_id",
        "overdue",
        "text",
        "snoozed",
        "sort",
    }


def test_a_group_one_has_left_shows_nothing_any_more(as_: As, alice: User) -> None:
    a_run()
    caller = as_(alice)
    assert len(ids(caller.get(f"user-task-runs/?user_group={FINANCE}"))) == 1
    alice.groups.clear()
    assert ids(caller.get(f"user-task-runs/?user_group={FINANCE}")) == []
