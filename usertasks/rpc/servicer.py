"""LittleHorse's API: each method reads its request, calls one operation and writes the answer.

Whoever calls is `caller()`; refusals, connections and the log are the business of `interceptor.py`.
"""

from __future__ import annotations

from importlib.metadata import version
from typing import Any

from google.protobuf.empty_pb2 import Empty
from littlehorse import model as lh

from .. import operations
from ..models import UserTaskRun
from ..models.definitions import read_fields
from . import messages
from .callers import caller
from .paging import MAX_ANSWER, definition_bookmark, limit_of, run_bookmark, run_position
from .requests import (
    comment_number,
    definition_named,
    definitions_sought,
    fields_put,
    fresh,
    optional,
    required,
    run_to_change,
    save_policy,
    search_of,
    visible_run,
    workflow_search,
)
from .values import from_values

PACKAGE = "littlehorse-client"


class Servicer(lh.LittleHorseServicer):
    """The RPCs that are served; all others answer `UNIMPLEMENTED`."""

    def PutUserTaskDef(self, request: Any, context: Any) -> Any:
        row, _ = operations.put_definition(
            request.name, fields_put(request), by=caller(), description=request.description
        )
        return messages.definition_message(row)

    def GetUserTaskDef(self, request: Any, context: Any) -> Any:
        return messages.definition_message(definition_named(request.name, request.version))

    def GetLatestUserTaskDef(self, request: Any, context: Any) -> Any:
        return messages.definition_message(definition_named(request.name))

    def SearchUserTaskDef(self, request: Any, context: Any) -> Any:
        limit = limit_of(request)
        rows = list(definitions_sought(request)[: limit + 1])
        bookmark = definition_bookmark(rows[limit - 1]) if len(rows) > limit else None
        return lh.UserTaskDefIdList(results=map(messages.definition_id, rows[:limit]), bookmark=bookmark)

    def DeleteUserTaskDef(self, request: Any, context: Any) -> Any:
        operations.delete_definition(required("name", request.id.name), request.id.version, by=caller())
        return Empty()

    def GetUserTaskRun(self, request: Any, context: Any) -> Any:
        return messages.run_message(visible_run(request, caller()))

    def SearchUserTaskRun(self, request: Any, context: Any) -> Any:
        search = search_of(request, caller())
        page = search.page(limit=limit_of(request), after=run_position(request.bookmark))
        bookmark = run_bookmark(page.rows[-1]) if page.has_more else None
        return lh.UserTaskRunIdList(results=map(messages.run_id, page.rows), bookmark=bookmark)

    def ListUserTaskRuns(self, request: Any, context: Any) -> Any:
        search = workflow_search(request, caller())
        page = search.page(limit=limit_of(request), after=run_position(request.bookmark))
        runs = UserTaskRun.objects.prefetch_related("events").in_bulk([row.id for row in page.rows])
        read_fields(run.written for run in runs.values())
        return _list_of([runs[row.id] for row in page.rows], has_more=page.has_more)

    def AssignUserTaskRun(self, request: Any, context: Any) -> Any:
        operations.assign(
            run_to_change(request, "assign", caller()).id,
            by=caller(),
            user_id=optional(request, "user_id"),
            user_group=optional(request, "user_group"),
            override_claim=request.override_claim,
        )
        return Empty()

    def CompleteUserTaskRun(self, request: Any, context: Any) -> Any:
        user_id = required("user_id", request.user_id)
        run = run_to_change(request, "complete", caller())
        results = from_values(request.results, run.fields)
        operations.complete(run.id, results, by=caller(), user_id=user_id)
        return Empty()

    def SaveUserTaskRunProgress(self, request: Any, context: Any) -> Any:
        user_id, policy = required("user_id", request.user_id), save_policy(request)
        run = run_to_change(request, "save_progress", caller())
        results = from_values(request.results, run.fields)
        return messages.run_message(
            operations.save_progress(run.id, results, by=caller(), user_id=user_id, policy=policy)
        )

    def CancelUserTaskRun(self, request: Any, context: Any) -> Any:
        operations.cancel(run_to_change(request, "cancel", caller()).id, by=caller())
        return Empty()

    def PutUserTaskRunComment(self, request: Any, context: Any) -> Any:
        user_id = required("user_id", request.user_id)
        run = run_to_change(request, "add_comment", caller())
        operations.add_comment(run.id, request.comment, by=caller(), user_id=user_id)
        return messages.run_message(fresh(run))

    def EditUserTaskRunComment(self, request: Any, context: Any) -> Any:
        user_id, number = required("user_id", request.user_id), comment_number(request)
        run = run_to_change(request, "edit_comment", caller())
        operations.edit_comment(run.id, number, request.comment, by=caller(), user_id=user_id)
        return messages.run_message(fresh(run))

    def DeleteUserTaskRunComment(self, request: Any, context: Any) -> Any:
        user_id, number = required("user_id", request.user_id), comment_number(request)
        run = run_to_change(request, "delete_comment", caller())
        operations.delete_comment(run.id, number, by=caller(), user_id=user_id)
        return messages.run_message(fresh(run))

    def Whoami(self, request: Any, context: Any) -> Any:
        return lh.Principal(id=lh.PrincipalId(id=caller().user_id))

    def GetServerVersion(self, request: Any, context: Any) -> Any:
        """The version of the protocol that is spoken here."""
        major, minor, patch = (int(part) for part in version(PACKAGE).split(".")[:3])
        return lh.LittleHorseVersion(major_version=major, minor_version=minor, patch_version=patch)


SERVED = frozenset(name for name in vars(Servicer) if not name.startswith("_"))
"""The names of the RPCs that are served."""

ABOUT_NO_RUN = frozenset(
    {
        "PutUserTaskDef",
        "GetUserTaskDef",
        "GetLatestUserTaskDef",
        "SearchUserTaskDef",
        "DeleteUserTaskDef",
        "Whoami",
        "GetServerVersion",
    }
)
"""The RPCs for which a token need not be for reading runs."""


def _list_of(runs: list[UserTaskRun], *, has_more: bool) -> Any:
    """A page of whole runs, which ends early where the answer would become too large for a client to take."""
    answer, last = lh.UserTaskRunList(), None
    for run in runs:
        message = messages.run_message(run)
        if last and answer.ByteSize() + message.ByteSize() > MAX_ANSWER:
            answer.bookmark = run_bookmark(last)
            return answer
        answer.results.append(message)
        last = run
    if has_more and last:
        answer.bookmark = run_bookmark(last)
    return answer
