"""Every call of LittleHorse's service."""

from __future__ import annotations

from typing import Any

from google.protobuf.empty_pb2 import Empty
from littlehorse import model as lh

from tests.queries.asking import Call
from tests.queries.world import WORKFLOW, World
from tests.rpc.clients import id_of, text

OWNER = {"user_id": "person-0", "user_group": "group-0"}


def on_the_run(request: Any, **more: Any) -> Any:
    return lambda world: request(user_task_run_id=id_of(world.run), **more)


def definition(world: World) -> Any:
    fields = [lh.UserTaskField(name=f"new-{number}", type=lh.STR) for number in range(world.size)]
    return lh.PutUserTaskDefRequest(name="question", fields=fields)


def answers(world: World) -> dict[str, Any]:
    return {f"answer-{number}": text("x") for number in range(world.size)}


def named(name: str, version: int = 0) -> Any:
    return lh.UserTaskDefId(name=name, version=version)


ROWS = [
    Call("PutUserTaskDef", definition),
    Call("GetUserTaskDef", lambda world: named("question")),
    Call("GetLatestUserTaskDef", lambda world: lh.GetLatestUserTaskDefRequest(name="question")),
    Call("SearchUserTaskDef", lambda world: lh.SearchUserTaskDefRequest(limit=100)),
    Call("SearchUserTaskDef", lambda world: lh.SearchUserTaskDefRequest(name="question"), name="by name"),
    Call("DeleteUserTaskDef", lambda world: lh.DeleteUserTaskDefRequest(id=named("unused"))),
    Call("GetUserTaskRun", lambda world: id_of(world.run)),
    Call("GetUserTaskRun", lambda world: id_of(world.run), by="mel"),
    Call("SearchUserTaskRun", lambda world: lh.SearchUserTaskRunRequest(user_id="mel", limit=100)),
    Call("SearchUserTaskRun", lambda world: lh.SearchUserTaskRunRequest(user_group="group-0"), by="mel"),
    Call("ListUserTaskRuns", lambda world: lh.ListUserTaskRunRequest(wf_run_id=lh.WfRunId(id=WORKFLOW))),
    Call("ListUserTaskRuns", lambda world: lh.ListUserTaskRunRequest(wf_run_id=lh.WfRunId(id=WORKFLOW)), by="mel"),
    Call("AssignUserTaskRun", on_the_run(lh.AssignUserTaskRunRequest, override_claim=True, **OWNER)),
    Call(
        "SaveUserTaskRunProgress",
        lambda world: on_the_run(lh.SaveUserTaskRunProgressRequest, user_id="mel", results=answers(world))(world),
    ),
    Call(
        "CompleteUserTaskRun",
        lambda world: on_the_run(lh.CompleteUserTaskRunRequest, user_id="mel", results=answers(world))(world),
    ),
    Call("CancelUserTaskRun", on_the_run(lh.CancelUserTaskRunRequest)),
    Call("PutUserTaskRunComment", on_the_run(lh.PutUserTaskRunCommentRequest, user_id="mona", comment="Hello")),
    Call(
        "EditUserTaskRunComment",
        on_the_run(lh.EditUserTaskRunCommentRequest, user_id="mel", user_comment_id=1, comment="Bye"),
        by="mel",
    ),
    Call("DeleteUserTaskRunComment", on_the_run(lh.DeleteUserTaskRunCommentRequest, user_id="mel", user_comment_id=1)),
    Call("Whoami", lambda world: Empty()),
    Call("GetServerVersion", lambda world: Empty()),
]
