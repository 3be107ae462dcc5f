"""What each kind of event carries, and how it reads."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from .actors import SYSTEM
from .models import ArmedHook, EventType, UserTaskComment, UserTaskEvent, UserTaskRun

ANSWERING = (EventType.SAVED, EventType.COMPLETED)
"""The events that carry the results from then on."""
MOST_NAMED = 3
"""So many questions are named in a sentence; the others are counted."""


def created(run: UserTaskRun) -> dict[str, Any]:
    """Who has it at first, and what it was made from."""
    return {
        "user_id": run.user_id,
        "user_group": run.user_group,
        "user_task_def": {"name": run.user_task_def_name, "version": run.user_task_def_version},
        **({"excluded_user_ids": run.excluded_user_ids} if run.excluded_user_ids else {}),
    }


def assigned(run: UserTaskRun, *, old_user_id: str | None, old_user_group: str | None) -> dict[str, Any]:
    """The owner before and after. The names are those of LittleHorse's `UTEAssigned`."""
    return {
        "old_user_id": old_user_id,
        "old_user_group": old_user_group,
        "new_user_id": run.user_id,
        "new_user_group": run.user_group,
    }


def answered(user_id: str, results: dict[str, Any]) -> dict[str, Any]:
    """Who saved or completed, and the results from then on."""
    return {"user_id": user_id, "results": results}


def cancelled(run: UserTaskRun) -> dict[str, Any]:
    """Who had it when it was cancelled."""
    return {"user_id": run.user_id, "user_group": run.user_group}


def by_hook(hook: ArmedHook) -> dict[str, Any]:
    """Which timer did it, in the data of what it did."""
    return {"hook": {"hook": hook.hook, "delay_seconds": hook.delay_seconds, "due_at": hook.due_at.isoformat()}}


def task_executed(hook: ArmedHook, result: dict[str, Any]) -> dict[str, Any]:
    """Which task was run, with what, and what `django.tasks` says of it: `id` and `status`."""
    return {"hook_id": hook.pk, **hook.arguments, "task": result, **by_hook(hook)}


def commented(comment: UserTaskComment) -> dict[str, Any]:
    """Which comment, whose, and its words from then on; a deleted one has none."""
    return {
        "comment_id": comment.number,
        "user_id": comment.user_id,
        "comment": None if comment.deleted else comment.comment,
    }


def sentence(event: UserTaskEvent) -> str:
    """The event as a line of history, without its time."""
    who = _("a timer") if event.actor == SYSTEM.user_id else event.actor
    if on_behalf_of := event.data.get("on_behalf_of"):
        who = _("%(actor)s for %(person)s") % {"actor": who, "person": on_behalf_of}
    match event.type:
        case EventType.CREATED:
            return _("%(who)s created the task for %(owner)s") % {"who": who, "owner": _owner(event.data, "")}
        case EventType.ASSIGNED:
            return _assignment(event, who)
        case EventType.SAVED:
            return _("%(who)s saved progress") % {"who": who}
        case EventType.COMPLETED:
            return _("%(who)s completed the task") % {"who": who}
        case EventType.CANCELLED:
            return _("%(who)s cancelled the task") % {"who": who}
        case EventType.TASK_EXECUTED:
            return _("%(who)s ran %(task)s") % {"who": who, "task": event.data["task_def_name"]}
        case EventType.COMMENT_ADDED:
            return _("%(who)s added a comment") % {"who": who}
        case EventType.COMMENT_EDITED:
            return _("%(who)s edited a comment") % {"who": who}
        case EventType.COMMENT_DELETED:
            return _("%(who)s deleted a comment") % {"who": who}
        case _:
            return f"{who}: {event.type}"


def sentence_of_answers(event: UserTaskEvent, labels: Sequence[str]) -> str:
    """The sentence of an event that answers, with the questions whose answers it changed."""
    return f"{sentence(event)}: {_listed(labels)}" if labels else sentence(event)


def _listed(labels: Sequence[str]) -> str:
    """A few names as people list them."""
    named, others = list(labels[:MOST_NAMED]), len(labels) - MOST_NAMED
    if others > 0:
        named.append(ngettext("%(count)s more", "%(count)s more", others) % {"count": others})
    if len(named) == 1:
        return named[0]
    return _("%(names)s and %(last)s") % {"names": ", ".join(named[:-1]), "last": named[-1]}


def _owner(data: dict[str, Any], prefix: str) -> str:
    user_id, user_group = data[f"{prefix}user_id"], data[f"{prefix}user_group"]
    if user_id is None:
        return _("the group %(group)s") % {"group": user_group}
    return str(user_id)


def _assignment(event: UserTaskEvent, who: str) -> str:
    old, new = _owner(event.data, "old_"), _owner(event.data, "new_")
    if event.data["new_user_id"] == event.actor and event.data["old_user_id"] is None:
        return _("%(who)s claimed the task") % {"who": who}
    if event.data["old_user_id"] == event.actor and event.data["new_user_id"] is None:
        return _("%(who)s released the task to %(owner)s") % {"who": who, "owner": new}
    return _("%(who)s moved the task from %(old)s to %(new)s") % {"who": who, "old": old, "new": new}
