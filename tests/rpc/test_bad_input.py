"""Odd input over gRPC is refused in words of the contract; none of it is a mistake of the server."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import grpc
import pytest
from django.contrib.auth.models import User
from google.protobuf.timestamp_pb2 import Timestamp
from littlehorse import model as lh

from tests.cast import a_definition, a_run, token_of
from tests.rpc.clients import ANSWERS, PATIENCE, Client, id_of, refusal, text
from usertasks.fieldtypes import FIELD_TYPES
from usertasks.models import UserTaskField, UserTaskRun

pytestmark = pytest.mark.django_db(transaction=True)

INVALID = ("INVALID_ARGUMENT", "invalid_argument")
MISSING = ("NOT_FOUND", "not_found")
RUN = {"wf_run_id": lh.WfRunId(id="flow"), "user_task_guid": "0" * 32}
NAMING_A_RUN: dict[str, Callable[[Any], Any]] = {
    "GetUserTaskRun": lambda identity: identity,
    "AssignUserTaskRun": lambda i: lh.AssignUserTaskRunRequest(user_task_run_id=i, user_id="obiwan"),
    "CompleteUserTaskRun": lambda i: lh.CompleteUserTaskRunRequest(user_task_run_id=i, user_id="obiwan"),
    "SaveUserTaskRunProgress": lambda i: lh.SaveUserTaskRunProgressRequest(user_task_run_id=i, user_id="obiwan"),
    "CancelUserTaskRun": lambda i: lh.CancelUserTaskRunRequest(user_task_run_id=i),
    "PutUserTaskRunComment": lambda i: lh.PutUserTaskRunCommentRequest(
        user_task_run_id=i, user_id="obiwan", comment="Hello"
    ),
    "EditUserTaskRunComment": lambda i: lh.EditUserTaskRunCommentRequest(
        user_task_run_id=i, user_id="obiwan", user_comment_id=1, comment="Hello"
    ),
    "DeleteUserTaskRunComment": lambda i: lh.DeleteUserTaskRunCommentRequest(
        user_task_run_id=i, user_id="obiwan", user_comment_id=1
    ),
}
"""RPC → a request that is fine but for the id of the run."""


@pytest.mark.parametrize("name", NAMING_A_RUN)
def test_a_run_has_to_be_named_and_to_exist(client: Client, name: str) -> None:
    def answer(identity: Any) -> tuple[str, str | None]:
        return refusal(lambda: getattr(client, name)(NAMING_A_RUN[name](identity)))

    assert answer(lh.UserTaskRunId()) == INVALID
    assert answer(lh.UserTaskRunId(user_task_guid="0" * 32)) == INVALID
    assert answer(lh.UserTaskRunId(wf_run_id=lh.WfRunId(id="flow"))) == INVALID
    assert answer(lh.UserTaskRunId(**RUN)) == MISSING
    assert answer(lh.UserTaskRunId(**RUN | {"user_task_guid": "no guid"})) == MISSING
    assert answer(lh.UserTaskRunId(**RUN | {"user_task_guid": "0" * 31 + "\0"})) == INVALID
    assert answer(lh.UserTaskRunId(**RUN | {"wf_run_id": lh.WfRunId(id="a\0b")})) == INVALID


@pytest.mark.parametrize("name", [name for name in NAMING_A_RUN if name not in ("GetUserTaskRun", "CancelUserTaskRun")])
def test_a_person_has_to_be_named(client: Client, name: str) -> None:
    request = NAMING_A_RUN[name](id_of(a_run()))
    for user_id in ("", "  ", "x" * 300, "a\0b"):
        request.user_id = user_id
        assert refusal(lambda: getattr(client, name)(request)) == INVALID


def test_a_comment_has_to_be_named_and_to_say_something(client: Client) -> None:
    run = id_of(a_run())
    who = {"user_task_run_id": run, "user_id": "obiwan"}
    for words in ("", " ", "a\0b", "x" * 10_001):
        put = lh.PutUserTaskRunCommentRequest(**who, comment=words)
        assert refusal(lambda: client.PutUserTaskRunComment(put)) == INVALID  # noqa: B023
    for number, expected in ((0, INVALID), (-1, MISSING), (7, MISSING), (2**31 - 1, MISSING)):
        deletion = lh.DeleteUserTaskRunCommentRequest(**who, user_comment_id=number)
        assert refusal(lambda: client.DeleteUserTaskRunComment(deletion)) == expected  # noqa: B023
        edit = lh.EditUserTaskRunCommentRequest(**who, user_comment_id=number, comment="Hello")
        assert refusal(lambda: client.EditUserTaskRunComment(edit)) == expected  # noqa: B023


@pytest.fixture
def everything(db: None) -> UserTaskRun:
    fields = [UserTaskField(name=kind, type=kind, required=kind == "STR") for kind in FIELD_TYPES]
    return a_run(a_definition("everything", fields))


WRONG = {
    "a number as text": ("STR", lh.VariableValue(int=3)),
    "a text as number": ("INT", lh.VariableValue(str="3")),
    "a whole double as integer": ("INT", lh.VariableValue(double=3.0)),
    "a boolean as integer": ("INT", lh.VariableValue(bool=True)),
    "an endless number": ("DOUBLE", lh.VariableValue(double=float("inf"))),
    "no number": ("DOUBLE", lh.VariableValue(double=float("nan"))),
    "a text as time": ("TIMESTAMP", text("2026-11-21T09:30:00Z")),
    "a time past the calendar": ("TIMESTAMP", lh.VariableValue(utc_timestamp=Timestamp(seconds=2**62))),
    "a time with too many nanoseconds": ("TIMESTAMP", lh.VariableValue(utc_timestamp=Timestamp(nanos=2**31 - 1))),
    "a text as bytes": ("BYTES", text("AP8=")),
    "too many bytes": ("BYTES", lh.VariableValue(bytes=b"x" * (1024 * 1024 + 1))),
    "no JSON": ("JSON_OBJ", lh.VariableValue(json_obj="{")),
    "an array as object": ("JSON_OBJ", lh.VariableValue(json_obj="[]")),
    "JSON with NaN": ("JSON_ARR", lh.VariableValue(json_arr="[NaN]")),
    "deep JSON": ("JSON_ARR", lh.VariableValue(json_arr="[" * 100_000 + "]" * 100_000)),
    "JSON with half a character": ("JSON_ARR", lh.VariableValue(json_arr='["\\ud800"]')),
    "JSON with NUL": ("JSON_ARR", lh.VariableValue(json_arr='["\\u0000"]')),
    "an id of a workflow run": ("STR", lh.VariableValue(wf_run_id=lh.WfRunId(id="flow"))),
    "a struct": ("JSON_OBJ", lh.VariableValue(struct=lh.Struct())),
    "a text with NUL": ("STR", text("a\0b")),
    "an unknown field": ("other", text("x")),
}


@pytest.mark.parametrize("case", WRONG)
def test_a_value_of_the_wrong_kind_is_refused(client: Client, everything: UserTaskRun, case: str) -> None:
    name, value = WRONG[case]
    who = {"user_task_run_id": id_of(everything), "user_id": "obiwan"}
    complete = lh.CompleteUserTaskRunRequest(**who, results={"STR": text("x")} | {name: value})
    assert refusal(lambda: client.CompleteUserTaskRun(complete)) == INVALID
    save = lh.SaveUserTaskRunProgressRequest(**who, results={name: value})
    assert refusal(lambda: client.SaveUserTaskRunProgress(save)) == INVALID
    everything.refresh_from_db()
    assert everything.results == {}


def test_a_required_value_has_to_be_set(client: Client, everything: UserTaskRun) -> None:
    who = {"user_task_run_id": id_of(everything), "user_id": "obiwan"}
    for results in ({}, {"STR": lh.VariableValue()}):
        complete = lh.CompleteUserTaskRunRequest(**who, results=results)
        assert refusal(lambda: client.CompleteUserTaskRun(complete)) == INVALID  # noqa: B023


def test_the_message_names_every_field_at_fault(client: Client) -> None:
    complete = lh.CompleteUserTaskRunRequest(user_task_run_id=id_of(a_run()), user_id="obiwan", results={"x": text("")})
    with pytest.raises(grpc.RpcError) as caught:
        client.CompleteUserTaskRun(complete)
    assert all(name in caught.value.details() for name in ("requestedItem", "justification", "x"))


def test_a_long_list_of_faults_still_reaches_the_client(client: Client) -> None:
    results = {f"{'ü' * 150}{number}": text("") for number in range(300)}
    complete = lh.CompleteUserTaskRunRequest(user_task_run_id=id_of(a_run()), user_id="obiwan", results=results)
    assert refusal(lambda: client.CompleteUserTaskRun(complete)) == INVALID


def test_unknown_numbers_of_enums_are_refused(client: Client) -> None:
    assert refusal(lambda: client.SearchUserTaskRun(lh.SearchUserTaskRunRequest(status=2))) == INVALID
    assert refusal(lambda: client.SearchUserTaskRun(lh.SearchUserTaskRunRequest(status=99))) == INVALID
    save = lh.SaveUserTaskRunProgressRequest(user_task_run_id=id_of(a_run()), user_id="obiwan", policy=7)
    assert refusal(lambda: client.SaveUserTaskRunProgress(save)) == INVALID
    for kind in (lh.WF_RUN_ID, 99):
        put = lh.PutUserTaskDefRequest(name="odd", fields=[lh.UserTaskField(name="x", type=kind)])
        assert refusal(lambda: client.PutUserTaskDef(put)) == INVALID  # noqa: B023


@pytest.mark.parametrize("bookmark", [b"garbage", b"\0", b"utr1", b"x" * 28, b"utr1" + b"\x7f" * 24, b"utd1\0"])
def test_a_garbage_bookmark_is_refused(client: Client, bookmark: bytes) -> None:
    runs = lh.SearchUserTaskRunRequest(user_id="obiwan", bookmark=bookmark)
    assert refusal(lambda: client.SearchUserTaskRun(runs)) == INVALID
    listed = lh.ListUserTaskRunRequest(wf_run_id=lh.WfRunId(id="flow"), bookmark=bookmark)
    assert refusal(lambda: client.ListUserTaskRuns(listed)) == INVALID
    definitions = lh.SearchUserTaskDefRequest(bookmark=bookmark)
    assert refusal(lambda: client.SearchUserTaskDef(definitions)) == INVALID


@pytest.mark.parametrize("limit", [0, -1, -(2**31), 1001, 2**31 - 1])
def test_a_limit_has_its_limits(client: Client, limit: int) -> None:
    runs = lh.SearchUserTaskRunRequest(user_id="obiwan", limit=limit)
    assert refusal(lambda: client.SearchUserTaskRun(runs)) == INVALID
    listed = lh.ListUserTaskRunRequest(wf_run_id=lh.WfRunId(id="flow"), limit=limit)
    assert refusal(lambda: client.ListUserTaskRuns(listed)) == INVALID
    assert refusal(lambda: client.SearchUserTaskDef(lh.SearchUserTaskDefRequest(limit=limit))) == INVALID


@pytest.mark.parametrize(
    "criteria",
    [
        {"user_id": ""},
        {"user_group": "a\0b"},
        {"user_task_def_name": "\0"},
        {"earliest_start": Timestamp(seconds=2**60)},
        {"latest_start": Timestamp(seconds=-(2**60))},
    ],
)
def test_a_malformed_criterion_is_refused(client: Client, criteria: dict[str, Any]) -> None:
    assert refusal(lambda: client.SearchUserTaskRun(lh.SearchUserTaskRunRequest(**criteria))) == INVALID


def test_odd_names_of_definitions_are_refused_or_unknown(client: Client) -> None:
    for name in ("", "a b", "ü", "a\0b", "x" * 201, "-x"):
        assert refusal(lambda: client.PutUserTaskDef(lh.PutUserTaskDefRequest(name=name))) == INVALID  # noqa: B023
    for name, expected in (("", INVALID), ("a\0b", INVALID), ("x" * 5000, MISSING)):
        identity = lh.UserTaskDefId(name=name, version=-1)
        assert refusal(lambda: client.GetUserTaskDef(identity)) == expected  # noqa: B023
        latest = lh.GetLatestUserTaskDefRequest(name=name)
        assert refusal(lambda: client.GetLatestUserTaskDef(latest)) == expected  # noqa: B023
        delete = lh.DeleteUserTaskDefRequest(id=identity)
        assert refusal(lambda: client.DeleteUserTaskDef(delete)) == expected  # noqa: B023
    assert not client.SearchUserTaskDef(lh.SearchUserTaskDefRequest(prefix="a\0b")).results
    assert not client.SearchUserTaskDef(lh.SearchUserTaskDefRequest(name="a\0b")).results


def test_a_message_of_five_mebibytes_is_too_large(client: Client) -> None:
    comment = lh.PutUserTaskRunCommentRequest(user_task_run_id=id_of(a_run()), user_id="o", comment="x" * 5 * 2**20)
    assert refusal(lambda: client.PutUserTaskRunComment(comment))[0] == "RESOURCE_EXHAUSTED"


def test_bytes_that_are_no_message_are_malformed(channel: grpc.Channel, admin: User) -> None:
    call = channel.unary_unary("/littlehorse.LittleHorse/GetUserTaskRun")
    metadata = (("authorization", token_of(admin)),)
    assert refusal(lambda: call(b"\xff\xff\xff", metadata=metadata, timeout=PATIENCE)) == (
        "INVALID_ARGUMENT",
        "malformed",
    )


def test_everything_else_is_unimplemented(client: Client, channel: grpc.Channel) -> None:
    assert refusal(lambda: client.RunWf(lh.RunWfRequest(wf_spec_name="x")))[0] == "UNIMPLEMENTED"
    assert (
        refusal(lambda: next(lh.LittleHorseStub(channel).PollTask(iter([lh.PollTaskRequest()]))))[0] == "UNIMPLEMENTED"
    )
    unknown = channel.unary_unary("/littlehorse.LittleHorse/NoSuchThing")
    assert refusal(lambda: unknown(b"", timeout=PATIENCE))[0] == "UNIMPLEMENTED"


def test_after_all_this_a_good_call_is_served(client: Client) -> None:
    run = a_run()
    client.CompleteUserTaskRun(
        lh.CompleteUserTaskRunRequest(user_task_run_id=id_of(run), user_id="obiwan", results=ANSWERS)
    )
    assert client.GetUserTaskRun(id_of(run)).status == lh.DONE
