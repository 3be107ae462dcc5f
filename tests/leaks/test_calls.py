"""Over gRPC, too, what one may not see is like what never was: in words, in status, and in the statements it takes."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import grpc
import pytest
from littlehorse import model as lh

from tests.cast import a_run, a_user, token_of
from tests.leaks.secret import GROUP, MARK, OWNER, WORKFLOW, Secret, plant, the_definition
from tests.rpc.clients import Client, text

pytestmark = pytest.mark.django_db(transaction=True)

NEVER = "0123456789abcdef0123456789abcdef"
ODD = {"answer": lh.VariableValue(int=3), "nonsense": text("x")}

CALLS: dict[str, Callable[[Any], Any]] = {
    "GetUserTaskRun": lambda named: named,
    "AssignUserTaskRun": lambda named: lh.AssignUserTaskRunRequest(
        user_task_run_id=named, user_id="charlie", override_claim=True
    ),
    "SaveUserTaskRunProgress": lambda named: lh.SaveUserTaskRunProgressRequest(
        user_task_run_id=named, user_id="charlie", results=ODD
    ),
    "CompleteUserTaskRun": lambda named: lh.CompleteUserTaskRunRequest(
        user_task_run_id=named, user_id="charlie", results=ODD
    ),
    "CancelUserTaskRun": lambda named: lh.CancelUserTaskRunRequest(user_task_run_id=named),
    "PutUserTaskRunComment": lambda named: lh.PutUserTaskRunCommentRequest(
        user_task_run_id=named, user_id="charlie", comment="x"
    ),
    "EditUserTaskRunComment": lambda named: lh.EditUserTaskRunCommentRequest(
        user_task_run_id=named, user_comment_id=1, user_id="charlie", comment="x"
    ),
    "DeleteUserTaskRunComment": lambda named: lh.DeleteUserTaskRunCommentRequest(
        user_task_run_id=named, user_comment_id=1, user_id="charlie"
    ),
}
SEARCHES: list[dict[str, Any]] = [
    {"user_id": OWNER},
    {"user_group": GROUP},
    {"user_task_def_name": "question"},
    {"status": lh.ASSIGNED},
    {"status": lh.ASSIGNED, "user_id": OWNER, "user_group": f"{GROUP}-two"},
]
MAY: list[list[str]] = [
    [],
    ["lead_usertaskrun"],
    ["assign_usertaskrun", "cancel_usertaskrun", "override_claim", "add_usertaskrun"],
]


def named(workflow: str, guid: str) -> Any:
    return lh.UserTaskRunId(wf_run_id=lh.WfRunId(id=workflow), user_task_guid=guid)


def told(client: Client, rpc: str, request: Any) -> tuple[Any, ...]:
    """The status, the words and the metadata with which a call is refused."""
    with pytest.raises(grpc.RpcError) as caught:
        getattr(client, rpc)(request)
    return caught.value.code(), caught.value.details(), tuple(caught.value.trailing_metadata())


def shape_of(sql: str) -> str:
    return re.sub(r'"s\d+_x\d+"', "?", sql)


@pytest.mark.parametrize("permissions", MAY, ids=["stranger", "lead of another group", "mover who sees nothing"])
def test_what_is_hidden_is_like_what_never_was(
    statements: list[str], channel: grpc.Channel, permissions: list[str]
) -> None:
    the_definition()
    client = Client(channel, token_of(a_user("charlie", groups=["it"], permissions=permissions)))
    seen, secret = a_run(the_definition(), user_group="it"), plant()
    client.GetUserTaskRun(named(seen.wf_run_id, seen.id.hex))  # what is done once, at the first call, is done
    for rpc, request in CALLS.items():
        answers, asked = [], []
        for guid in (secret.run.id.hex, NEVER):
            statements.clear()
            answers.append(told(client, rpc, request(named(WORKFLOW, guid))))
            asked.append([shape_of(sql) for sql in statements])
        assert answers[0] == answers[1], rpc
        assert MARK not in str(answers[0]), rpc
        assert asked[0] == asked[1], rpc
    assert_that_no_search_finds(client, secret, seen.id.hex)


def assert_that_no_search_finds(client: Client, secret: Secret, seen: str) -> None:
    for criteria in SEARCHES:
        found = client.SearchUserTaskRun(lh.SearchUserTaskRunRequest(**criteria))
        assert {run.user_task_guid for run in found.results} <= {seen}, criteria
        assert not found.bookmark, criteria
    listed = client.ListUserTaskRuns(lh.ListUserTaskRunRequest(wf_run_id=lh.WfRunId(id=WORKFLOW)))
    assert not listed.results
