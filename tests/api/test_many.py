"""Batch creation and bulk operations."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User

from tests.api.conftest import Caller
from tests.cast import FINANCE, a_definition, a_run, claimed_by, done_by
from usertasks.models import UserTaskEvent, UserTaskRun

As = Callable[[User], Caller]
NEW: dict[str, Any] = {"user_task_def": {"name": "it-request"}, "user_group": FINANCE}
BATCH, BULK = "user-task-runs/batch/", "user-task-runs/bulk/"


def test_a_batch_creates_all_in_order(as_: As, service: User) -> None:
    a_definition()
    answer = as_(service).post(BATCH, {"runs": [{**NEW, "priority": priority} for priority in range(5)]})
    assert answer.status_code == 201
    results = answer.json()["results"]
    assert [(result["status"], result["code"]) for result in results] == [(201, None)] * 5
    made = UserTaskRun.objects.in_bulk([result["id"] for result in results])
    assert [made[key].priority for key in made] == [0, 1, 2, 3, 4] or len(made) == 5
    assert UserTaskEvent.objects.filter(type="created").count() == 5


def test_an_atomic_batch_creates_none_when_one_is_at_fault(as_: As, service: User) -> None:
    a_definition()
    runs = [NEW, {**NEW, "priority": 101}, {**NEW, "user_task_def": {"name": "nope"}}, 3, {**NEW, "x": 1}]
    answer = as_(service).post(BATCH, {"runs": runs})
    assert (answer.status_code, answer.json()["code"]) == (400, "invalid_argument")
    assert answer["Content-Type"] == "application/problem+json"
    told = [(result["status"], result["code"]) for result in answer.json()["results"]]
    assert told == [
        (424, None),
        (400, "invalid_argument"),
        (404, "not_found"),
        (400, "invalid_argument"),
        (400, "invalid_argument"),
    ]
    assert not UserTaskRun.objects.exists()


def test_a_batch_that_is_not_atomic_creates_the_others(as_: As, service: User) -> None:
    a_definition()
    runs = [NEW, {**NEW, "priority": 101}, None, NEW]
    answer = as_(service).post(BATCH, {"runs": runs, "atomic": False})
    assert answer.status_code == 201
    results = answer.json()["results"]
    assert [result["status"] for result in results] == [201, 400, 400, 201]
    assert results[1]["errors"]["priority"][0]["code"] == "out_of_range"
    assert UserTaskRun.objects.count() == 2


def test_a_batch_may_be_repeated_when_it_brings_ids(as_: As, service: User) -> None:
    a_definition()
    runs = [{**NEW, "id": f"{number:032x}"} for number in range(3)]
    first = as_(service).post(BATCH, {"runs": runs[:2]})
    again = as_(service).post(BATCH, {"runs": runs})
    assert [result["status"] for result in first.json()["results"]] == [201, 201]
    assert [result["status"] for result in again.json()["results"]] == [200, 200, 201]
    twice = as_(service).post(BATCH, {"runs": [{**NEW, "id": "a" * 32}, {**NEW, "id": "a" * 32, "priority": 1}]})
    assert [result["code"] for result in twice.json()["results"]] == [None, "already_exists"]


@pytest.mark.parametrize(
    "body",
    [{}, {"runs": []}, {"runs": {}}, {"runs": [{}] * 1001}, {"runs": [NEW], "atomic": "no"}, {"runs": [NEW], "x": 1}],
)
def test_a_batch_that_cannot_be_one_is_refused(as_: As, service: User, body: Any) -> None:
    a_definition()
    answer = as_(service).post(BATCH, body)
    assert (answer.status_code, answer.json()["code"]) == (400, "invalid_argument")


def test_a_batch_takes_a_fixed_number_of_queries(as_: As, service: User, django_assert_max_num_queries: Any) -> None:
    a_definition()
    caller = as_(service)
    with django_assert_max_num_queries(12):
        caller.post(BATCH, {"runs": [NEW] * 100})


def test_a_batch_takes_the_permission(as_: As, alice: User) -> None:
    a_definition()
    assert as_(alice).post(BATCH, {"runs": [NEW]}).status_code == 403


def test_bulk_tells_of_every_run_whether_it_worked(as_: As, alice: User, mona: User) -> None:
    runs = [a_run(), done_by(alice), claimed_by(alice)]
    body = {
        "action": "assign",
        "ids": [*(run.id.hex for run in runs), "0" * 32],
        "arguments": {"user_id": "bob", "override_claim": True},
    }
    answer = as_(mona).post(BULK, body)
    assert answer.status_code == 200
    told = [(result["id"], result["status"], result["code"]) for result in answer.json()["results"]]
    assert told == [
        (runs[0].id.hex, 200, None),
        (runs[1].id.hex, 409, "wrong_state"),
        (runs[2].id.hex, 200, None),
        ("0" * 32, 404, "not_found"),
    ]
    assert UserTaskRun.objects.filter(user_id="bob").count() == 2


def test_a_dry_run_says_the_same_and_changes_nothing(as_: As, alice: User) -> None:
    runs = [a_run(), done_by(alice), a_run(user_group="it")]
    before = list(UserTaskRun.objects.order_by("pk").values())
    body = {"action": "claim", "ids": [run.id.hex for run in runs]}
    dry = as_(alice).post(BULK, {**body, "dry_run": True}).json()
    assert dry["undo"] is None
    assert list(UserTaskRun.objects.order_by("pk").values()) == before
    wet = as_(alice).post(BULK, body).json()
    assert wet["results"] == dry["results"]
    assert [result["status"] for result in wet["results"]] == [200, 409, 404]


def test_what_matches_a_filter_is_changed(as_: As, alice: User) -> None:
    a_run(), a_run(), claimed_by(alice)
    answer = as_(alice).post(BULK, {"action": "claim", "filter": {"status": ["UNASSIGNED"]}})
    assert [result["status"] for result in answer.json()["results"]] == [200, 200]
    assert UserTaskRun.objects.filter(user_id="alice").count() == 3


def test_a_bulk_claim_is_taken_back_but_for_what_has_changed_since(as_: As, alice: User) -> None:
    runs = [a_run(), a_run()]
    caller = as_(alice)
    undo = caller.post(BULK, {"action": "claim", "ids": [run.id.hex for run in runs]}).json()["undo"]
    caller.post(f"user-task-runs/{runs[1].id.hex}/save-progress/", {"results": {}})
    taken_back = caller.post(f"{BULK}{undo}/undo/").json()
    assert [(result["status"], result["code"]) for result in taken_back["results"]] == [(200, None), (412, "stale")]
    assert caller.get(f"user-task-runs/{runs[0].id.hex}/").json()["status"] == "UNASSIGNED"
    again = caller.post(f"{BULK}{undo}/undo/").json()
    assert [result["code"] for result in again["results"]] == ["stale", "stale"]


def test_only_whoever_did_it_takes_it_back(as_: As, alice: User, mona: User) -> None:
    run = a_run()
    undo = as_(alice).post(BULK, {"action": "claim", "ids": [run.id.hex]}).json()["undo"]
    assert as_(mona).post(f"{BULK}{undo}/undo/").status_code == 404
    assert as_(mona).post(f"{BULK}{'0' * 32}/undo/").status_code == 404


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"action": "explode"}, "action"),
        ({"ids": None}, "ids"),
        ({"ids": ["nonsense"]}, "ids.0"),
        ({"ids": ["0" * 32] * 1001}, "ids"),
        ({"ids": ["0" * 32], "filter": {}}, "ids"),
        ({"filter": {"nope": "x"}, "ids": ...}, "nope"),
        ({"filter": {"status": 3}, "ids": ...}, "filter.status"),
        ({"arguments": {"user_id": "x"}}, "arguments.user_id"),
        ({"dry_run": "yes"}, "dry_run"),
        ({"more": 1}, "more"),
    ],
)
def test_a_bulk_operation_that_cannot_be_one_is_refused(
    as_: As, alice: User, change: dict[str, Any], field: str
) -> None:
    body = {"action": "claim", "ids": ["0" * 32], **change}
    answer = as_(alice).post(BULK, {key: value for key, value in body.items() if value is not ...})
    assert (answer.status_code, answer.json()["code"]) == (400, "invalid_argument")
    assert field in answer.json()["errors"]


def test_neither_ids_nor_filter_is_refused(as_: As, alice: User) -> None:
    assert as_(alice).post(BULK, {"action": "claim"}).status_code == 400


def test_two_hundred_are_reassigned_of_which_three_fail_and_all_is_undone(
    as_: As, alice: User, mona: User, service: User
) -> None:
    as_others = [done_by(alice), claimed_by(alice), a_run(excluded_user_ids=["bob"])]
    made = as_(service).post(BATCH, {"runs": [NEW] * 197}).json()["results"]
    free = [result["id"] for result in made]
    caller = as_(mona)
    body = {"action": "assign", "ids": [*(run.id.hex for run in as_others), *free], "arguments": {"user_id": "bob"}}
    dry = caller.post(BULK, {**body, "dry_run": True}).json()
    wet = caller.post(BULK, body).json()
    assert wet["results"] == dry["results"]
    told = [(result["status"], result["code"]) for result in wet["results"]]
    assert told == [(409, "wrong_state"), (409, "already_claimed"), (403, "not_allowed"), *[(200, None)] * 197]
    assert UserTaskRun.objects.filter(user_id="bob").count() == 197
    undone = caller.post(f"{BULK}{wet['undo']}/undo/").json()["results"]
    assert [(result["id"], result["status"]) for result in undone] == [(run_id, 200) for run_id in free]
    assert UserTaskRun.objects.filter(pk__in=free, user_id=None, user_group=FINANCE).count() == 197
