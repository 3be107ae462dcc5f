"""The verbs: everything that changes a run, a definition or a comment, each one function and one transaction.

Four beats, always in this order: lock, ask the rules, change, commit. An operation takes an id and who does it (`by`),
and returns the fresh row; or raises `Refused`, and nothing has changed. `expected` is the version of the run that the
caller has seen: any other is `Stale`. `user_id` names the person for whom a trusted service acts.
"""

from .comments import MAX_COMMENT, add_comment, delete_comment, edit_comment
from .creation import Creation, RunRequest, create, create_many
from .definitions import delete_definition, put_definition
from .firing import TaskCall, fire, record_task
from .runs import (
    CompletePolicy,
    SavePolicy,
    assign,
    cancel,
    claim,
    complete,
    release,
    restore_owner,
    save_progress,
)

__all__ = [
    "MAX_COMMENT",
    "CompletePolicy",
    "Creation",
    "RunRequest",
    "SavePolicy",
    "TaskCall",
    "add_comment",
    "assign",
    "cancel",
    "claim",
    "complete",
    "create",
    "create_many",
    "delete_comment",
    "delete_definition",
    "edit_comment",
    "fire",
    "put_definition",
    "record_task",
    "release",
    "restore_owner",
    "save_progress",
]
