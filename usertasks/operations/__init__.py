"""The verbs: everything that changes a run, a definition or a comment, each one function and one transaction.

Four beats, always in this order: lock, ask the rules, change, commit. An operation takes an id and who does it (`by`),
and returns the fresh row; or raises `Refused`, and nothing has changed. `expected` is the version of the run that the
caller has seen: any other is `Stale`. `user_id` names the person for whom a trusted service acts.
"""

from ..rules import CompletePolicy, SavePolicy
from .comments import MAX_COMMENT, add_comment, delete_comment, edit_comment
from .creation import Creation, RunRequest, create, create_many
from .definitions import delete_definition, put_definition
from .endpoints import SEEING_ALL, change_endpoint, create_endpoint, delete_endpoint, redeliver, switch_off
from .firing import TaskCall, bring_forward, fire, record_task
from .next import claim_next
from .refusals import note, noting_refusals
from .runs import (
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
    "SEEING_ALL",
    "CompletePolicy",
    "Creation",
    "RunRequest",
    "SavePolicy",
    "TaskCall",
    "add_comment",
    "assign",
    "bring_forward",
    "cancel",
    "change_endpoint",
    "claim",
    "claim_next",
    "complete",
    "create",
    "create_endpoint",
    "create_many",
    "delete_comment",
    "delete_definition",
    "delete_endpoint",
    "edit_comment",
    "fire",
    "note",
    "noting_refusals",
    "put_definition",
    "record_task",
    "redeliver",
    "release",
    "restore_owner",
    "save_progress",
    "switch_off",
]
