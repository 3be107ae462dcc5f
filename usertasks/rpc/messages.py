"""Rows as LittleHorse's messages. Parts for which the protocol has no place are not sent."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from littlehorse import model as lh

from ..models import EventType, UserTaskDef, UserTaskEvent, UserTaskField, UserTaskRun
from .values import timestamp, to_values


def definition_id(definition: Any) -> Any:
    return lh.UserTaskDefId(name=definition.name, version=definition.version)


def definition_message(definition: UserTaskDef) -> Any:
    return lh.UserTaskDef(
        name=definition.name,
        version=definition.version,
        description=definition.description or None,
        fields=[_field(field) for field in definition.fields.all()],
        created_at=timestamp(definition.created_at),
    )


def run_id(run: Any) -> Any:
    """The id of a run, or of a row of a list."""
    return lh.UserTaskRunId(wf_run_id=lh.WfRunId(id=run.wf_run_id), user_task_guid=run.id.hex)


def run_message(run: UserTaskRun) -> Any:
    """A run with its results and everything that happened to it."""
    fields = list(run.fields)
    return lh.UserTaskRun(
        id=run_id(run),
        user_task_def_id=lh.UserTaskDefId(name=run.user_task_def_name, version=run.user_task_def_version),
        user_id=run.user_id,
        user_group=run.user_group,
        status=lh.UserTaskRunStatus.Value(run.status),
        results=to_values(run.results, fields),
        events=[_event(event, fields) for event in run.events.all() if event.type in EVENTS],
        notes=run.notes or None,
        scheduled_time=timestamp(run.scheduled_time),
        epoch=run.epoch,
    )


def _field(field: UserTaskField) -> Any:
    return lh.UserTaskField(
        name=field.name,
        type=lh.VariableType.Value(field.type),
        description=field.description or None,
        display_name=field.display_name,
        required=field.required,
    )


def _event(event: UserTaskEvent, fields: Sequence[UserTaskField]) -> Any:
    slot, message = EVENTS[event.type]
    return lh.UserTaskEvent(time=timestamp(event.time), **{slot: message(event, fields)})


def _first_assignment(event: UserTaskEvent, fields: Sequence[UserTaskField]) -> Any:
    """LittleHorse knows no creation: a run starts with its first assignment, to a user or to a group."""
    return lh.UserTaskEvent.UTEAssigned(
        new_user_id=event.data["user_id"], new_user_group=event.data["user_group"]
    )  # fmt: skip


def _assignment(event: UserTaskEvent, fields: Sequence[UserTaskField]) -> Any:
    names = ("old_user_id", "old_user_group", "new_user_id", "new_user_group")
    return lh.UserTaskEvent.UTEAssigned(**{name: event.data[name] for name in names})


def _save(event: UserTaskEvent, fields: Sequence[UserTaskField]) -> Any:
    return lh.UserTaskEvent.UTESaved(
        user_id=event.data["user_id"], results=to_values(event.data["results"], fields)
    )  # fmt: skip


def _completion(event: UserTaskEvent, fields: Sequence[UserTaskField]) -> Any:
    return lh.UserTaskEvent.UTECompleted()


def _cancellation(event: UserTaskEvent, fields: Sequence[UserTaskField]) -> Any:
    return lh.UserTaskEvent.UTECancelled(message="UserTaskRun was cancelled")


def _task(event: UserTaskEvent, fields: Sequence[UserTaskField]) -> Any:
    """The task is run by `django.tasks`; its id stands where LittleHorse has that of a task of the workflow."""
    wf_run_id = lh.WfRunId(id=event.run.wf_run_id)
    return lh.UserTaskEvent.UTETaskExecuted(
        task_run=lh.TaskRunId(wf_run_id=wf_run_id, task_guid=event.data["task"]["id"])
    )  # fmt: skip


def _comment(event: UserTaskEvent, fields: Sequence[UserTaskField]) -> Any:
    return lh.UserTaskEvent.UTECommented(
        user_comment_id=event.data["comment_id"], user_id=event.data["user_id"], comment=event.data["comment"]
    )


def _comment_deletion(event: UserTaskEvent, fields: Sequence[UserTaskField]) -> Any:
    """Names who deleted it, who need not be its author."""
    person = event.data.get("on_behalf_of", event.actor)
    return lh.UserTaskEvent.UTECommentDeleted(user_comment_id=event.data["comment_id"], user_id=person)


EVENTS: Mapping[str, tuple[str, Callable[[UserTaskEvent, Sequence[UserTaskField]], Any]]] = {
    EventType.CREATED: ("assigned", _first_assignment),
    EventType.ASSIGNED: ("assigned", _assignment),
    EventType.SAVED: ("saved", _save),
    EventType.COMPLETED: ("completed", _completion),
    EventType.CANCELLED: ("cancelled", _cancellation),
    EventType.TASK_EXECUTED: ("task_executed", _task),
    EventType.COMMENT_ADDED: ("comment_added", _comment),
    EventType.COMMENT_EDITED: ("comment_edited", _comment),
    EventType.COMMENT_DELETED: ("comment_deleted", _comment_deletion),
}
"""Kind of event → the slot of `UserTaskEvent` that tells of it, and how to fill it."""
