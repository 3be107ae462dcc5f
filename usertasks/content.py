"""How rows are told to the outside, whichever way out they take: API, webhooks, tasks. Moments stay moments."""

from __future__ import annotations

from typing import Any

from .hooks import lapses_on_reassign
from .models import ArmedHook, UserTaskEvent
from .outcomes import Outcome


def run_content(run: Any) -> dict[str, Any]:
    """A run, or a row of a search that has its columns."""
    return {
        "id": run.id.hex,
        "wf_run_id": run.wf_run_id,
        "user_task_def": {"name": run.user_task_def_name, "version": run.user_task_def_version},
        "user_id": run.user_id,
        "user_group": run.user_group,
        "status": run.status,
        "results": run.results,
        "notes": run.notes,
        "scheduled_time": run.scheduled_time,
        "epoch": run.epoch,
        "version": run.version,
        "due_at": run.due_at,
        "priority": run.priority,
        "actions": run.actions,
        "on_cancellation_exception_name": run.on_cancellation_exception_name,
        "completed_at": run.completed_at,
        "excluded_user_ids": run.excluded_user_ids,
    }


def event_content(event: UserTaskEvent) -> dict[str, Any]:
    """One event, as it stands in the history of its run."""
    return {"number": event.number, "time": event.time, "type": event.type, "actor": event.actor, "data": event.data}


def outcome_content(outcome: Outcome) -> dict[str, Any]:
    """What whoever waits for a run is told."""
    failure = outcome.failure and {
        "name": outcome.failure.name,
        "kind": outcome.failure.kind,
        "message": outcome.failure.message,
    }
    return {"status": outcome.status, "output": outcome.output, "failure": failure}


def armed_content(hook: ArmedHook) -> dict[str, Any]:
    """A hook of a run: what it will do or has done, and when. Beside `action` stand the arguments of the action."""
    return {
        "hook": hook.hook,
        "action": hook.action,
        hook.action: hook.arguments,
        "delay_seconds": hook.delay_seconds,
        "due_at": hook.due_at,
        "state": hook.state,
        "reason": hook.reason or None,
        "settled_at": hook.settled_at,
        "lapses_on_reassign": lapses_on_reassign(hook),
        "error": hook.error or None,
    }
