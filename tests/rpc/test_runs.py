"""Runs over gRPC: what a client reads, and what each RPC does and answers."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from google.protobuf.empty_pb2 import Empty
from google.protobuf.timestamp_pb2 import Timestamp
from littlehorse import model as lh

from tests.cast import a_definition, a_run, claimed_by, done_by
from tests.rpc.clients import ANSWERS, Client, id_of, refusal, text
from usertasks import operations
from usertasks.actors import actor_for
from usertasks.fieldtypes import FIELD_TYPES
from usertasks.models import Status, UserTaskField, UserTaskRun
from usertasks.worker import TaskHooks, work_off

pytestmark = pytest.mark.django_db(transaction=True)

MOMENT = datetime(2026, 11, 21, 9, 30, 0, 250_000, tzinfo=UTC)
VALUES: dict[str, tuple[Any, Any]] = {
    "STR": ("Grüße", lh.VariableValue(str="Grüße")),
    "INT": (-(2**63), lh.VariableValue(int=-(2**63))),
    "DOUBLE": (0.1, lh.VariableValue(double=0.1)),
    "BOOL": (False, lh.VariableValue(bool=False)),
    "JSON_OBJ": ({"a": [1, None]}, lh.VariableValue(json_obj='{"a": [1, null]}')),
    "JSON_ARR": ([], lh.VariableValue(json_arr="[]")),
    "TIMESTAMP": (
        "2026-11-21T09:30:00.250000Z",
        lh.VariableValue(utc_timestamp=Timestamp(seconds=int(MOMENT.timestamp()), nanos=250_000_000)),
    ),
    "BYTES": ("AP8=", lh.VariableValue(bytes=b"\0\xff")),
}
"""Type → the same value as JSON and as LittleHorse sends it."""


def everything() -> UserTaskRun:
    """A run with an optional field of every type, named after it."""
    return a_run(
        a_definition("everything", [UserTaskField(name=kind, type=kind, required=False) for kind in FIELD_TYPES])
    )


def completion(run: UserTaskRun, user_id: str, results: dict[str, Any]) -> Any:
    return lh.CompleteUserTaskRunRequest(user_task_run_id=id_of(run), user_id=user_id, results=results)


def saving(run: UserTaskRun, user_id: str, results: dict[str, Any], **more: Any) -> Any:
    return lh.SaveUserTaskRunProgressRequest(user_task_run_id=id_of(run), user_id=user_id, results=results, **more)


def kinds(message: Any) -> list[str]:
    return [event.WhichOneof("event") for event in message.events]


def test_a_run_carries_what_the_protocol_has_room_for(client: Client) -> None:
    run = a_run(user_id="obiwan", user_group="jedi-council", notes="Hurry", wf_run_id="flow-1")
    message = client.GetUserTaskRun(id_of(run))
    assert message.id == id_of(run)
    assert (message.user_task_def_id.name, message.user_task_def_id.version) == ("it-request", 0)
    assert (message.user_id, message.user_group, message.notes) == ("obiwan", "jedi-council", "Hurry")
    assert message.status == lh.ASSIGNED
    assert message.scheduled_time.ToDatetime(UTC) == run.scheduled_time
    assert dict(message.results) == {}


def test_what_is_not_set_is_absent(client: Client) -> None:
    message = client.GetUserTaskRun(id_of(a_run()))
    assert message.status == lh.UNASSIGNED
    assert not any(message.HasField(name) for name in ("user_id", "notes", "node_run_id"))


def test_both_forms_of_a_guid_name_the_run(client: Client) -> None:
    run = a_run()
    dashed = lh.UserTaskRunId(wf_run_id=lh.WfRunId(id=run.wf_run_id), user_task_guid=str(run.id).upper())
    assert client.GetUserTaskRun(dashed).id == id_of(run)


def test_a_run_under_another_workflow_run_does_not_exist(client: Client) -> None:
    run = a_run()
    other = lh.UserTaskRunId(wf_run_id=lh.WfRunId(id="other"), user_task_guid=run.id.hex)
    assert refusal(lambda: client.GetUserTaskRun(other)) == ("NOT_FOUND", "not_found")
    cancel = lh.CancelUserTaskRunRequest(user_task_run_id=other)
    assert refusal(lambda: client.CancelUserTaskRun(cancel)) == ("NOT_FOUND", "not_found")
    child = lh.UserTaskRunId(
        wf_run_id=lh.WfRunId(id=run.wf_run_id, parent_wf_run_id=lh.WfRunId(id="p")), user_task_guid=run.id.hex
    )
    assert refusal(lambda: client.GetUserTaskRun(child)) == ("NOT_FOUND", "not_found")


def test_values_of_every_type_travel_exactly(client: Client) -> None:
    run = everything()
    client.CompleteUserTaskRun(completion(run, "obiwan", {kind: sent for kind, (_, sent) in VALUES.items()}))
    run.refresh_from_db()
    assert run.results == {kind: value for kind, (value, _) in VALUES.items()}
    received = client.GetUserTaskRun(id_of(run)).results
    for kind, (value, sent) in VALUES.items():
        assert received[kind].WhichOneof("value") == sent.WhichOneof("value")
        if kind.startswith("JSON"):
            assert json.loads(getattr(received[kind], kind.lower())) == value
        else:
            assert received[kind] == sent


def test_a_value_that_is_not_set_is_null(client: Client) -> None:
    run = everything()
    client.SaveUserTaskRunProgress(saving(run, "obiwan", {"STR": text("kept"), "INT": lh.VariableValue(int=0)}))
    client.CompleteUserTaskRun(completion(run, "obiwan", {"STR": lh.VariableValue()}))
    run.refresh_from_db()
    assert run.results == {"INT": 0}


def test_an_integer_is_a_number_too(client: Client) -> None:
    run = everything()
    client.CompleteUserTaskRun(completion(run, "obiwan", {"DOUBLE": lh.VariableValue(int=3)}))
    assert client.GetUserTaskRun(id_of(run)).results["DOUBLE"] == lh.VariableValue(double=3.0)


def test_completing_what_another_has_assigns_it_first(client: Client) -> None:
    run = a_run(user_id="anakin")
    assert client.CompleteUserTaskRun(completion(run, "obiwan", ANSWERS)) == Empty()
    message = client.GetUserTaskRun(id_of(run))
    assert (message.status, message.user_id) == (lh.DONE, "obiwan")
    assert kinds(message) == ["assigned", "assigned", "completed"]
    assert message.events[1].assigned.old_user_id == "anakin"
    assert message.events[1].assigned.new_user_id == "obiwan"


def test_completing_again_with_the_same_answers_succeeds_and_writes_nothing(client: Client) -> None:
    run = a_run(user_id="obiwan")
    for _ in range(2):
        client.CompleteUserTaskRun(completion(run, "obiwan", ANSWERS))
    assert kinds(client.GetUserTaskRun(id_of(run))) == ["assigned", "completed"]
    assert refusal(lambda: client.CompleteUserTaskRun(completion(run, "yoda", ANSWERS)))[0] == "FAILED_PRECONDITION"


def test_saving_answers_with_the_run_and_keeps_its_owner(client: Client) -> None:
    run = a_run(user_id="obiwan")
    message = client.SaveUserTaskRunProgress(saving(run, "obiwan", {"requestedItem": text("robe")}))
    assert (message.status, message.user_id, dict(message.results)) == (
        lh.ASSIGNED,
        "obiwan",
        {"requestedItem": text("robe")},
    )
    assert message.events[-1].saved.user_id == "obiwan"
    assert dict(message.events[-1].saved.results) == {"requestedItem": text("robe")}


def test_saving_for_another_takes_the_policy_that_ignores_claims(client: Client) -> None:
    run = a_run(user_id="obiwan")
    assert refusal(lambda: client.SaveUserTaskRunProgress(saving(run, "yoda", {}))) == (
        "FAILED_PRECONDITION",
        "already_claimed",
    )
    message = client.SaveUserTaskRunProgress(
        saving(run, "yoda", {}, policy=lh.SaveUserTaskRunProgressRequest.IGNORE_CLAIM)
    )
    assert (message.user_id, message.events[-1].saved.user_id) == ("obiwan", "yoda")


def test_assigning_unsets_what_is_not_given_and_grows_the_epoch(client: Client) -> None:
    run = a_run(user_id="obiwan", user_group="jedi-council")
    before = client.GetUserTaskRun(id_of(run)).epoch
    to_group = lh.AssignUserTaskRunRequest(user_task_run_id=id_of(run), user_group="it", override_claim=True)
    assert client.AssignUserTaskRun(to_group) == Empty()
    message = client.GetUserTaskRun(id_of(run))
    assert (message.status, message.user_group, message.HasField("user_id")) == (lh.UNASSIGNED, "it", False)
    assert message.epoch == before + 1
    changed = message.events[-1].assigned
    assert (changed.old_user_id, changed.old_user_group, changed.new_user_group) == ("obiwan", "jedi-council", "it")
    assert not changed.HasField("new_user_id")


def test_assigning_is_refused_without_override_when_somebody_has_it(client: Client) -> None:
    run = a_run(user_id="obiwan")
    taken = lh.AssignUserTaskRunRequest(user_task_run_id=id_of(run), user_id="yoda")
    assert refusal(lambda: client.AssignUserTaskRun(taken)) == ("FAILED_PRECONDITION", "already_claimed")
    nobody = lh.AssignUserTaskRunRequest(user_task_run_id=id_of(run), override_claim=True)
    assert refusal(lambda: client.AssignUserTaskRun(nobody)) == ("INVALID_ARGUMENT", "invalid_argument")


def test_cancelling_may_be_repeated_but_not_what_is_done(client: Client, alice: User) -> None:
    run = a_run()
    for _ in range(2):
        assert client.CancelUserTaskRun(lh.CancelUserTaskRunRequest(user_task_run_id=id_of(run))) == Empty()
    message = client.GetUserTaskRun(id_of(run))
    assert (message.status, kinds(message)) == (lh.CANCELLED, ["assigned", "cancelled"])
    done = lh.CancelUserTaskRunRequest(user_task_run_id=id_of(done_by(alice)))
    assert refusal(lambda: client.CancelUserTaskRun(done)) == ("FAILED_PRECONDITION", "wrong_state")


def test_comments_are_numbered_edited_and_deleted_and_answer_with_the_run(client: Client) -> None:
    run = id_of(a_run())
    put = client.PutUserTaskRunComment(
        lh.PutUserTaskRunCommentRequest(user_task_run_id=run, user_id="obiwan", comment="Hello there")
    )
    added = put.events[-1].comment_added
    assert (added.user_comment_id, added.user_id, added.comment) == (1, "obiwan", "Hello there")
    edited = client.EditUserTaskRunComment(
        lh.EditUserTaskRunCommentRequest(user_task_run_id=run, user_comment_id=1, user_id="obiwan", comment="Bye")
    )
    assert edited.events[-1].comment_edited.comment == "Bye"
    deletion = lh.DeleteUserTaskRunCommentRequest(user_task_run_id=run, user_comment_id=1, user_id="yoda")
    deleted = client.DeleteUserTaskRunComment(deletion)
    assert deleted.events[-1].comment_deleted.user_id == "yoda"
    assert kinds(deleted) == ["assigned", "comment_added", "comment_edited", "comment_deleted"]
    assert refusal(lambda: client.DeleteUserTaskRunComment(deletion)) == ("FAILED_PRECONDITION", "wrong_state")


def test_the_list_of_events_starts_with_the_first_assignment(client: Client, alice: User) -> None:
    waiting = client.GetUserTaskRun(id_of(a_run())).events[0].assigned
    assert (waiting.new_user_group, waiting.HasField("new_user_id")) == ("finance", False)
    mine = client.GetUserTaskRun(id_of(claimed_by(alice)))
    assert kinds(mine) == ["assigned", "assigned"]
    assert [event.assigned.new_user_id for event in mine.events] == ["", "alice"]
    assert not mine.events[0].assigned.HasField("old_user_group")


def test_listing_gives_the_whole_runs_of_one_workflow_run(client: Client) -> None:
    definition = a_definition()
    runs = [a_run(definition, wf_run_id="flow-1") for _ in range(3)]
    a_run(definition, wf_run_id="flow-2")
    listed, bookmark = [], None
    while bookmark != b"":
        request = lh.ListUserTaskRunRequest(wf_run_id=lh.WfRunId(id="flow-1"), limit=2, bookmark=bookmark)
        page = client.ListUserTaskRuns(request)
        listed += page.results
        bookmark = page.bookmark
    assert [message.id for message in listed] == [id_of(run) for run in reversed(runs)]
    assert all(kinds(message) == ["assigned"] for message in listed)


def test_a_page_of_large_runs_ends_before_a_client_would_refuse_it(client: Client, admin: User) -> None:
    definition = a_definition("essay", [UserTaskField(name="text", type="STR")])
    for _ in range(5):
        run = a_run(definition, wf_run_id="long")
        operations.save_progress(run.id, {"text": "x" * 700_000}, by=actor_for(admin))
    seen, bookmark, pages = 0, None, 0
    while bookmark != b"":
        page = client.ListUserTaskRuns(lh.ListUserTaskRunRequest(wf_run_id=lh.WfRunId(id="long"), bookmark=bookmark))
        seen, bookmark, pages = seen + len(page.results), page.bookmark, pages + 1
    assert (seen, pages) == (5, 3)


def test_whoami_tells_the_caller_and_get_server_version_the_protocol(
    client_of: Callable[[User], Client], alice: User
) -> None:
    client = client_of(alice)
    assert client.Whoami(Empty()).id.id == "alice"
    assert client.GetServerVersion(Empty()).major_version == 1


def test_a_run_is_one_whichever_door_changed_it(client: Client, alice: User) -> None:
    run = claimed_by(alice)
    client.SaveUserTaskRunProgress(saving(run, "alice", {"requestedItem": text("robe")}))
    operations.complete(run.id, {"justification": "torn"}, by=actor_for(alice))
    message = client.GetUserTaskRun(id_of(run))
    assert kinds(message) == ["assigned", "assigned", "saved", "completed"]
    assert dict(message.results) == {"requestedItem": text("robe"), "justification": text("torn")}
    run.refresh_from_db()
    assert (run.status, run.events.count()) == (Status.DONE, 4)
    assert [event.data.get("on_behalf_of") for event in run.events.all()] == [None, None, "alice", None]


def test_a_task_that_a_hook_has_run_is_told(client: Client, alice: User) -> None:
    remind = {"hook": "ON_ARRIVAL", "delay_seconds": 60, "task": {"task_def_name": "send-reminder", "variables": {}}}
    run = a_run(user_id="alice", wf_run_id="flow-1", actions=[remind])
    assert kinds(client.GetUserTaskRun(id_of(run))) == ["assigned"]
    work_off([TaskHooks()], run.scheduled_time + timedelta(seconds=60))
    message = client.GetUserTaskRun(id_of(run))
    assert kinds(message) == ["assigned", "task_executed"]
    event = run.events.get(type="task_executed")
    executed = message.events[1].task_executed
    assert (executed.task_run.wf_run_id.id, executed.task_run.task_guid) == ("flow-1", event.data["task"]["id"])
    assert message.events[1].time.ToDatetime(UTC) == event.time
