"""How rows are told to the outside. Lists are hot: a row becomes JSON without a serializer between them.

`serializers.py` describes the same shapes for the API's description; a test compares the two.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.utils import timezone

from ..actors import Actor
from ..bulk import Result
from ..content import armed_content, run_content
from ..models import UserTaskComment, UserTaskDef, UserTaskField, UserTaskRun
from ..operations import Creation
from ..rules import Explanation, allowed_actions
from ..snoozes import snoozed_until
from .problems import HTTP_STATUS, errors_of


def run_row(run: Any, actor: Actor) -> dict[str, Any]:
    """A run, or a row of a search, as it stands in a list."""
    return {**run_content(run), "allowed_actions": allowed_actions(run, actor)}


def run_detail(run: UserTaskRun, actor: Actor) -> dict[str, Any]:
    """A run with the questions that it asks, what it does by itself, and until when `actor` has put it off."""
    armed = [armed_content(hook) for hook in run.armed_hooks.all()] if run.actions else []
    more = {"armed_actions": armed, "snoozed_until": snoozed_until(run, by=actor, now=timezone.now())}
    return {**run_row(run, actor), "fields": fields_of(run.fields), **more}


def definition(row: UserTaskDef) -> dict[str, Any]:
    """One version of a definition."""
    return {
        "name": row.name,
        "version": row.version,
        "description": row.description,
        "actions": row.actions,
        "fields": fields_of(row.fields.all()),
        "created_at": row.created_at,
    }


def fields_of(fields: Any) -> list[dict[str, Any]]:
    """The fields of a definition, in their order."""
    return [field.content() for field in fields]


def comment(row: UserTaskComment) -> dict[str, Any]:
    """One comment; of a deleted one the words are gone."""
    return {
        "id": row.number,
        "user_id": row.user_id,
        "comment": row.comment,
        "created_at": row.created_at,
        "edited_at": row.edited_at,
        "deleted": row.deleted,
    }


def explanation(told: Explanation) -> dict[str, Any]:
    """Why somebody may, or may not."""
    actions = {
        name: {"allowed": verdict.allowed, "reason": verdict.reason, "detail": verdict.detail}
        for name, verdict in told.actions.items()
    }
    return {"user_id": told.user_id, "actions": actions, "who_could_act": told.who_could_act}


def creation(made: Creation) -> dict[str, Any]:
    """What became of one run of a batch: 424 stands for one that was fine, but not created because of others."""
    if made.refusal:
        status = HTTP_STATUS[made.refusal.code]
        return {"status": status, "id": None, "code": made.refusal.code, "errors": errors_of(made.refusal)}
    if made.run is None:
        return {"status": 424, "id": None, "code": None, "errors": {}}
    return {"status": 201 if made.is_new else 200, "id": made.run.id.hex, "code": None, "errors": {}}


def results(changes: Sequence[Result]) -> list[dict[str, Any]]:
    """What became of each run of a bulk operation."""
    return [
        {
            "id": change.id.hex,
            "status": HTTP_STATUS[change.refusal.code] if change.refusal else 200,
            "code": change.refusal.code if change.refusal else None,
            "detail": change.refusal.detail if change.refusal else "",
        }
        for change in changes
    ]


def new_field(values: dict[str, Any]) -> UserTaskField:
    """The unsaved row that a field of a request asks for."""
    return UserTaskField(**values)
