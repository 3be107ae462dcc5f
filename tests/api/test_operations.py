"""A task's life over HTTP: each operation, its answer and its refusals."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User

from tests.api.conftest import Caller
from tests.cast import FINANCE, a_definition, a_run, a_user, claimed_by, done_by
from usertasks.models import UserTaskRun

As = Callable[[User], Caller]
ANSWERS = {"requestedItem": "lightsaber", "justification": "Darth Maul kicked it down the mine shaft"}
NEW = {"user_task_def": {"name": "it-request"}, "user_group": FINANCE}


def path(run: UserTaskRun, operation: str = "") -> str:
    return f"user-task-runs/{run.id.hex}/{operation}"


def refusal(answer: Any) -> tuple[int, str]:
    assert answer["Content-Type"] == "application/problem+json"
    assert answer.json()["status"] == answer.status_code
    return answer.status_code, answer.json()["code"]


def test_the_whole_story(as_: As, service: User, alice: User) -> None:
    a_definition()
    run = as_(service).post("user-task-runs/", NEW).json()
    person = as_(alice)
    base = f"user-task-runs/{run['id']}/"
    assert person.post(f"{base}claim/").json()["status"] == "ASSIGNED"
    saved = person.post(f"{base}save-progress/", {"results": {"requestedItem": "lightsaber"}}).json()
    assert saved["results"] == {"requestedItem": "lightsaber"}
    done = person.post(f"{base}complete/", {"results": {"justification": "lost"}}).json()
    assert (done["status"], done["user_id"]) == ("DONE", "alice")
    assert done["results"] == {"requestedItem": "lightsaber", "justification": "lost"}
    assert done["completed_at"] is not None
    events = person.get(f"{base}events/").json()["results"]
    assert [(event["number"], event["type"], event["actor"]) for event in events] == [
        (1, "created", "service"),
        (2, "assigned", "alice"),
        (3, "saved", "alice"),
        (4, "completed", "alice"),
    ]


def test_a_new_run_has_every_field_of_the_contract(as_: As, service: User) -> None:
    a_definition()
    more = {"notes": "Hurry", "priority": 80, "due_at": "2026-12-01T10:00:00+02:00", "wf_run_id": "wf-1"}
    run = as_(service).post("user-task-runs/", {**NEW, **more, "on_cancellation_exception_name": "too-late"}).json()
    told = {key: run[key] for key in run if key not in ("id", "scheduled_time", "fields")}
    assert told == {
        "wf_run_id": "wf-1",
        "actions": [],
        "armed_actions": [],
        "snoozed_until": None,
        "user_task_def": {"name": "it-request", "version": 0},
        "user_id": None,
        "user_group": FINANCE,
        "status": "UNASSIGNED",
        "results": {},
        "notes": "Hurry",
        "epoch": 1,
        "version": 1,
        "due_at": "2026-12-01T08:00:00Z",
        "priority": 80,
        "on_cancellation_exception_name": "too-late",
        "completed_at": None,
        "excluded_user_ids": [],
        "allowed_actions": ["view", "comment"],
    }
    assert [field["name"] for field in run["fields"]] == ["requestedItem", "justification"]
    assert len(run["id"]) == 32


def test_the_same_creation_with_an_id_gives_the_same_run(as_: As, service: User) -> None:
    a_definition()
    caller = as_(service)
    body = {**NEW, "id": "8bb5d43e-1489-4c82-bb1d-eab7a68b32ae"}
    first = caller.post("user-task-runs/", body)
    again = caller.post("user-task-runs/", {**body, "id": "8bb5d43e14894c82bb1deab7a68b32ae", "priority": 50})
    assert (first.status_code, again.status_code) == (201, 200)
    assert first.json() == again.json()
    assert refusal(caller.post("user-task-runs/", {**body, "priority": 51})) == (409, "already_exists")


def test_a_repeated_creation_shows_nothing_that_its_caller_may_not_see(as_: As, alice: User) -> None:
    a_definition()
    creator = a_user("creator", permissions=["add_usertaskrun"])
    body = {**NEW, "id": "8bb5d43e14894c82bb1deab7a68b32ae"}
    first = as_(creator).post("user-task-runs/", body)
    base = "user-task-runs/8bb5d43e14894c82bb1deab7a68b32ae/"
    as_(alice).post(f"{base}claim/")
    as_(alice).post(f"{base}save-progress/", {"results": {"requestedItem": "secret"}})
    again = as_(creator).post("user-task-runs/", body)
    assert (again.status_code, again.json()) == (200, first.json())
    assert refusal(as_(creator).get(base)) == (404, "not_found")


def test_saving_needs_results(as_: As, alice: User) -> None:
    run = claimed_by(alice)
    as_(alice).post(path(run, "save-progress/"), {"results": {"requestedItem": "lightsaber"}})
    answer = as_(alice).post(path(run, "save-progress/"))
    assert refusal(answer) == (400, "invalid_argument")
    assert answer.json()["errors"]["results"][0]["code"] == "required"
    assert as_(alice).get(path(run)).json()["results"] == {"requestedItem": "lightsaber"}


def test_creating_takes_the_permission(as_: As, alice: User) -> None:
    a_definition()
    assert refusal(as_(alice).post("user-task-runs/", NEW)) == (403, "not_allowed")


@pytest.mark.parametrize(
    ("change", "field", "code"),
    [
        ({"user_group": None}, "user_group", "required"),
        ({"user_group": ""}, "user_group", "invalid"),
        ({"user_group": " \t"}, "user_group", "invalid"),
        ({"user_id": "", "user_group": "x"}, "user_id", "invalid"),
        ({"user_id": 7}, "user_id", "wrong_type"),
        ({"user_id": "a\0"}, "user_id", "invalid"),
        ({"user_id": "\ud83d"}, "user_id", "invalid"),
        ({"user_id": "x" * 256}, "user_id", "invalid"),
        ({"priority": 101}, "priority", "out_of_range"),
        ({"priority": -1}, "priority", "out_of_range"),
        ({"priority": 2**40}, "priority", "out_of_range"),
        ({"priority": True}, "priority", "wrong_type"),
        ({"priority": "5"}, "priority", "wrong_type"),
        ({"due_at": "tomorrow"}, "due_at", "invalid"),
        ({"due_at": "2026-12-01T10:00:00"}, "due_at", "invalid"),
        ({"due_at": "0001-01-01T00:00:00+14:00"}, "due_at", "out_of_range"),
        ({"id": "8bb5"}, "id", "invalid"),
        ({"id": 5}, "id", "wrong_type"),
        ({"id": ""}, "id", "invalid"),
        ({"due_at": ""}, "due_at", "invalid"),
        ({"wf_run_id": ""}, "wf_run_id", "invalid"),
        ({"notes": "\0"}, "notes", "invalid"),
        ({"user_task_def": None}, "user_task_def", "wrong_type"),
        ({"user_task_def": {}}, "user_task_def.name", "required"),
        ({"user_task_def": {"name": "it-request", "version": "0"}}, "user_task_def.version", "wrong_type"),
        ({"user_task_def": 3}, "user_task_def", "wrong_type"),
        ({"status": "DONE"}, "status", "unknown_field"),
    ],
)
def test_what_is_wrong_with_a_new_run_is_said_where_it_is(
    as_: As, service: User, change: dict[str, Any], field: str, code: str
) -> None:
    a_definition()
    answer = as_(service).post("user-task-runs/", {**NEW, **change})
    assert refusal(answer) == (400, "invalid_argument")
    assert [fault["code"] for fault in answer.json()["errors"][field]] == [code]
    assert not UserTaskRun.objects.exists()


@pytest.mark.parametrize("reference", [{"name": "nope"}, {"name": "it-request", "version": 5}, {"name": "\u00e4"}])
def test_a_run_of_an_unknown_definition_is_not_found(as_: As, service: User, reference: dict[str, Any]) -> None:
    a_definition()
    assert refusal(as_(service).post("user-task-runs/", {**NEW, "user_task_def": reference})) == (404, "not_found")


def test_both_forms_of_an_id_are_accepted(as_: As, alice: User) -> None:
    run = a_run()
    assert as_(alice).get(f"user-task-runs/{run.id}/").json()["id"] == run.id.hex
    assert as_(alice).get(f"user-task-runs/{run.id.hex.upper()}/").status_code == 200


def test_what_one_may_not_see_does_not_exist(as_: As, charlie: User) -> None:
    run = a_run()
    caller = as_(charlie)
    for answer in (
        caller.get(path(run)),
        caller.get(path(run, "events/")),
        caller.get(path(run, "comments/")),
        caller.get(path(run, "explain/")),
        caller.post(path(run, "claim/")),
        caller.post(path(run, "complete/"), {"results": {}}),
        caller.post(path(run, "comments/"), {"comment": "hi"}),
        caller.get("user-task-runs/00000000000000000000000000000000/"),
        caller.get("user-task-runs/nonsense/"),
    ):
        assert refusal(answer) == (404, "not_found")


def test_the_second_to_claim_is_told_who_was_quicker(as_: As, alice: User, bob: User) -> None:
    run = a_run()
    assert as_(alice).post(path(run, "claim/")).status_code == 200
    late = as_(bob).post(path(run, "claim/"))
    assert refusal(late) == (409, "already_claimed")
    assert "alice" in late.json()["detail"]


def test_release_gives_it_back_to_the_group(as_: As, alice: User, bob: User) -> None:
    run = claimed_by(alice)
    assert refusal(as_(bob).post(path(run, "release/"))) == (403, "not_allowed")
    assert as_(alice).post(path(run, "release/")).json()["status"] == "UNASSIGNED"
    assert refusal(as_(alice).post(path(run, "release/"))) == (409, "wrong_state")


def test_assign_overwrites_user_and_group(as_: As, alice: User, mona: User) -> None:
    run = claimed_by(alice)
    caller = as_(mona)
    assert refusal(caller.post(path(run, "assign/"), {"user_id": "sarah"})) == (409, "already_claimed")
    moved = caller.post(path(run, "assign/"), {"user_id": "sarah", "override_claim": True}).json()
    assert (moved["user_id"], moved["user_group"], moved["status"]) == ("sarah", None, "ASSIGNED")
    assert refusal(caller.post(path(run, "assign/"), {"override_claim": True})) == (400, "invalid_argument")
    assert refusal(as_(alice).post(path(run, "assign/"), {"user_id": "alice"})) == (404, "not_found")


def test_saving_checks_types_and_names_but_not_what_is_missing(as_: As, alice: User) -> None:
    run = claimed_by(alice)
    answer = as_(alice).post(path(run, "save-progress/"), {"results": {"requestedItem": 3, "nope": 1}})
    assert refusal(answer) == (400, "invalid_argument")
    codes = {field: faults[0]["code"] for field, faults in answer.json()["errors"].items()}
    assert codes == {"requestedItem": "wrong_type", "nope": "unknown_field"}
    assert as_(alice).post(path(run, "save-progress/"), {"results": {}}).json()["results"] == {}


def test_saving_what_somebody_else_has(as_: As, alice: User, bob: User, mona: User) -> None:
    run = claimed_by(alice)
    body: dict[str, Any] = {"results": {"requestedItem": "x"}}
    assert refusal(as_(bob).post(path(run, "save-progress/"), body)) == (409, "already_claimed")
    assert refusal(as_(mona).post(path(run, "save-progress/"), body)) == (409, "already_claimed")
    body["policy"] = "IGNORE_CLAIM"
    assert refusal(as_(bob).post(path(run, "save-progress/"), body)) == (403, "not_allowed")
    assert as_(mona).post(path(run, "save-progress/"), body).json()["user_id"] == "alice"


def test_completing_names_every_field_at_fault(as_: As, alice: User) -> None:
    run = claimed_by(alice)
    answer = as_(alice).post(path(run, "complete/"), {"results": {"requestedItem": 3}})
    assert refusal(answer) == (400, "invalid_argument")
    codes = {field: faults[0]["code"] for field, faults in answer.json()["errors"].items()}
    assert codes == {"requestedItem": "wrong_type", "justification": "required"}


def test_the_same_completion_again_succeeds_and_another_does_not(as_: As, alice: User, bob: User) -> None:
    run = claimed_by(alice)
    first = as_(alice).post(path(run, "complete/"), {"results": ANSWERS})
    again = as_(alice).post(path(run, "complete/"), {"results": ANSWERS})
    assert (first.status_code, again.status_code) == (200, 200)
    assert first.json() == again.json()
    assert len(as_(alice).get(path(run, "events/")).json()["results"]) == 3
    other = {"results": {**ANSWERS, "requestedItem": "cloak"}}
    assert refusal(as_(alice).post(path(run, "complete/"), other)) == (409, "wrong_state")
    assert refusal(as_(bob).post(path(run, "complete/"), {"results": ANSWERS})) == (409, "wrong_state")


def test_cancel(as_: As, alice: User, mona: User) -> None:
    run = claimed_by(alice)
    assert refusal(as_(alice).post(path(run, "cancel/"))) == (403, "not_allowed")
    assert as_(mona).post(path(run, "cancel/")).json()["status"] == "CANCELLED"
    assert as_(mona).post(path(run, "cancel/")).status_code == 200
    assert refusal(as_(mona).post(path(done_by(alice), "cancel/"))) == (409, "wrong_state")


def test_a_service_acts_for_a_person_and_the_event_names_both(as_: As, service: User, alice: User) -> None:
    run = claimed_by(alice)
    done = as_(service).post(path(run, "complete/"), {"results": ANSWERS, "user_id": "alice"})
    assert done.json()["user_id"] == "alice"
    event = as_(service).get(path(run, "events/")).json()["results"][-1]
    assert (event["actor"], event["data"]["on_behalf_of"]) == ("service", "alice")


def test_acting_for_another_takes_the_permission(as_: As, alice: User) -> None:
    run = claimed_by(alice)
    answer = as_(alice).post(path(run, "save-progress/"), {"results": {}, "user_id": "bob"})
    assert refusal(answer) == (403, "not_allowed")


def test_comments_are_added_edited_and_deleted(as_: As, alice: User, bob: User) -> None:
    run = a_run()
    mine = as_(alice)
    added = mine.post(path(run, "comments/"), {"comment": "Blue, please"})
    assert (added.status_code, added.json()["id"], added.json()["user_id"]) == (201, 1, "alice")
    edited = mine.patch(path(run, "comments/1/"), {"comment": "Green, please"})
    assert edited.json()["comment"] == "Green, please"
    assert edited.json()["edited_at"] is not None
    assert refusal(as_(bob).patch(path(run, "comments/1/"), {"comment": "Red"})) == (403, "not_allowed")
    assert refusal(as_(bob).delete(path(run, "comments/1/"))) == (403, "not_allowed")
    assert mine.delete(path(run, "comments/1/")).status_code == 204
    listed = mine.get(path(run, "comments/")).json()["results"]
    assert [(comment["id"], comment["deleted"], comment["comment"]) for comment in listed] == [(1, True, "")]
    assert refusal(mine.patch(path(run, "comments/1/"), {"comment": "again"})) == (409, "wrong_state")
    assert refusal(mine.delete(path(run, "comments/2/"))) == (404, "not_found")
    assert refusal(mine.delete(path(run, "comments/99999999999999999999/"))) == (404, "not_found")
    assert refusal(mine.post(path(run, "comments/"), {"comment": " "})) == (400, "invalid_argument")


def test_a_run_carries_its_version_as_etag_and_an_older_one_is_stale(as_: As, alice: User) -> None:
    run = a_run()
    caller = as_(alice)
    assert caller.get(path(run))["ETag"] == '"1"'
    claimed = caller.post(path(run, "claim/"), None, **{"If-Match": '"1"'})
    assert (claimed.status_code, claimed["ETag"]) == (200, '"2"')
    for tag in ('"1"', '"3"', "2", 'W/"2"', "nonsense", '"99999999999999999999"'):
        late = caller.post(path(run, "save-progress/"), {"results": {}}, **{"If-Match": tag})
        assert refusal(late) == (412, "stale")
    assert caller.post(path(run, "save-progress/"), {"results": {}}, **{"If-Match": "*"}).status_code == 200


def test_explain_tells_why(as_: As, alice: User, bob: User, mona: User) -> None:
    run = claimed_by(alice)
    told = as_(bob).get(path(run, "explain/")).json()
    assert told["user_id"] == "bob"
    assert told["actions"]["claim"] == {"allowed": False, "reason": "already_claimed", "detail": "alice has it."}
    assert told["actions"]["view"]["reason"] == "group_member"
    assert told["who_could_act"] == ["alice", "mona"]
    about_alice = as_(mona).get(path(run, "explain/?user_id=alice")).json()
    assert about_alice["actions"]["complete"]["allowed"] is True
    assert as_(mona).get(path(run, "explain/?user_id=stranger")).json()["actions"]["view"]["allowed"] is False
    assert refusal(as_(bob).get(path(run, "explain/?user_id=alice"))) == (403, "not_allowed")
    assert refusal(as_(mona).get(path(run, "explain/?who=alice"))) == (400, "invalid_argument")
