"""The verbs: everything that changes a run, a definition or a comment, each one function and one transaction.

Four beats, always in this order: lock, ask the rules, change, write. An operation takes an id and who does it (`by`),
and returns the fresh row; or raises `Refused`, and nothing has changed. `expected` is the version of the run that the
caller has seen: any other is `Stale`. `user_id` names the person for whom a trusted service acts.
"""

from ..rules import CompletePolicy, SavePolicy
from .changes import Change
from .comments import MAX_COMMENT, add_comment, delete_comment, edit_comment
from .creation import Creation, RunRequest, create, create_many
from .definitions import delete_definition, delete_definitions, put_definition
from .endpoints import (
    SEEING_ALL,
    change_endpoint,
    create_endpoint,
    delete_endpoint,
    redeliver,
    redeliver_many,
    switch_endpoints,
    switch_off,
)
from .firing import TaskCall, bring_forward, fire, record_task
from .many import Verb, change_many, rehearse_many
from .next import claim_next
from .refusals import FOR_SOMEBODY, note, noting_refusals
from .runs import (
    Owner,
    assign,
    assigning,
    cancel,
    cancelling,
    claim,
    claiming,
    complete,
    completing,
    release,
    releasing,
    restoring,
    save_progress,
)

__all__ = [
    "FOR_SOMEBODY",
    "MAX_COMMENT",
    "SEEING_ALL",
    "Change",
    "CompletePolicy",
    "Creation",
    "Owner",
    "RunRequest",
    "SavePolicy",
    "TaskCall",
    "Verb",
    "add_comment",
    "assign",
    "assigning",
    "bring_forward",
    "cancel",
    "cancelling",
    "change_endpoint",
    "change_many",
    "claim",
    "claim_next",
    "claiming",
    "complete",
    "completing",
    "create",
    "create_endpoint",
    "create_many",
    "delete_comment",
    "delete_definition",
    "delete_definitions",
    "delete_endpoint",
    "edit_comment",
    "fire",
    "note",
    "noting_refusals",
    "put_definition",
    "record_task",
    "redeliver",
    "redeliver_many",
    "rehearse_many",
    "release",
    "releasing",
    "restoring",
    "save_progress",
    "switch_endpoints",
    "switch_off",
]
