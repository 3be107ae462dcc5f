"""Refusals of changes for which no operation was asked: a run that is not there, a request that names nobody."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from .. import operations
from ..errors import Refused
from ..models.runs import guid_of
from .callers import caller

VERBS: Mapping[str, str] = {
    "PutUserTaskDef": "put_definition",
    "DeleteUserTaskDef": "delete_definition",
    "AssignUserTaskRun": "assign",
    "CompleteUserTaskRun": "complete",
    "SaveUserTaskRunProgress": "save_progress",
    "CancelUserTaskRun": "cancel",
    "PutUserTaskRunComment": "add_comment",
    "EditUserTaskRunComment": "edit_comment",
    "DeleteUserTaskRunComment": "delete_comment",
}
"""The RPCs that change something, and the verb of each."""


@contextmanager
def noting(name: str, request: Any) -> Iterator[None]:
    """Write a refusal down, if it is of a change and no operation has done so."""
    try:
        yield
    except Refused as refusal:
        if name in VERBS:
            identity = getattr(request, "user_task_run_id", None)
            run_id = guid_of(identity.user_task_guid) if identity else None
            operations.note([refusal], VERBS[name], by=caller(), run_id=run_id)
        raise
