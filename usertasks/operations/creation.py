"""Runs come into being: one, or many at once."""

from __future__ import annotations

import contextlib
import dataclasses
import hashlib
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from django.db import IntegrityError, transaction
from django.utils import timezone

from .. import events, json_text
from ..actors import Actor
from ..errors import AlreadyExists, Fault, InvalidArgument, NotFound, Refused
from ..hooks import armed_at_creation, checked_actions
from ..models import ArmedHook, EventType, Status, UserTaskDef, UserTaskRun
from ..models.definitions import MAX_VERSION, NAME
from ..models.runs import MAX_PRIORITY
from ..owners import flaw_of_name, owner_of
from ..rules import Action, decide, require_permission
from .changes import new_event
from .refusals import note, noting_refusals
from .statements import NOTHING_YET, insert_events

MAX_NOTES = 100_000
"""Characters."""
MAX_EXCLUDED = 100
"""People who are excluded from one run."""
MAX_ATTEMPTS = 5


@dataclass(frozen=True)
class RunRequest:
    """What somebody asks for who creates a run. Without a version, the newest one of the definition is used."""

    user_task_def_name: str
    user_task_def_version: int | None = None
    user_id: str | None = None
    user_group: str | None = None
    id: uuid.UUID | None = None
    wf_run_id: str | None = None
    notes: str = ""
    due_at: datetime | None = None
    priority: int = 50
    actions: list[dict[str, Any]] | None = None
    """None: those of the definition; an empty list: none at all. See `hooks.checked_actions`."""
    on_cancellation_exception_name: str | None = None
    excluded_user_ids: list[str] | None = None
    """Who must not do it, because they did what it checks."""

    def digest(self, by: Actor) -> str:
        """SHA-256 of who asks for what: the same request again has the same digest."""
        due_at = self.due_at and self.due_at.astimezone(UTC)
        asked = {**dataclasses.asdict(self), "due_at": due_at}
        content = {name: _spelled(value) for name, value in asked.items() if value is not None}
        return hashlib.sha256(json_text.canonical([by.user_id, content]).encode()).hexdigest()


@dataclass(frozen=True)
class Creation:
    """What became of one request: a run that is new or was there already, or a refusal."""

    run: UserTaskRun | None = None
    is_new: bool = False
    refusal: Refused | None = None


def _spelled(value: Any) -> str:
    return json_text.canonical(value) if isinstance(value, list) else str(value)


@noting_refusals
def create(request: RunRequest, *, by: Actor) -> Creation:
    """Create a run, or find the one that this very request has created before. Raises `Refused`."""
    require_permission("add_usertaskrun", by)
    creation = _create_all([request], by, is_atomic=True, is_dry_run=False)[0]
    if creation.refusal:
        raise creation.refusal
    return creation


@noting_refusals
def create_many(
    requests: Sequence[RunRequest], *, by: Actor, atomic: bool = True, is_dry_run: bool = False
) -> list[Creation]:
    """Create many runs with a fixed number of queries; what became of each, in order.

    With `atomic`, one refusal means that nothing is created; a dry run only looks for refusals. Raises `NotAllowed` for
    all of them.
    """
    require_permission("add_usertaskrun", by)
    creations = _create_all(requests, by, is_atomic=atomic, is_dry_run=is_dry_run)
    if not is_dry_run:
        note([creation.refusal for creation in creations if creation.refusal], "create", by=by)
    return creations


def _create_all(requests: Sequence[RunRequest], by: Actor, *, is_atomic: bool, is_dry_run: bool) -> list[Creation]:
    for _ in range(MAX_ATTEMPTS - 1):
        # Somebody else may just have taken one of the ids, or deleted a definition: the next time that can be seen.
        with contextlib.suppress(IntegrityError):
            return _create_many(requests, by, is_atomic=is_atomic, is_dry_run=is_dry_run)
    return _create_many(requests, by, is_atomic=is_atomic, is_dry_run=is_dry_run)


@transaction.atomic
def _create_many(requests: Sequence[RunRequest], by: Actor, *, is_atomic: bool, is_dry_run: bool) -> list[Creation]:
    definitions = _definitions(requests)
    taken = UserTaskRun.objects.in_bulk([request.id for request in requests if request.id])
    creations: list[Creation] = []
    for request in requests:
        try:
            creation = _plan(request, by, definitions, taken)
        except Refused as refusal:
            creation = Creation(refusal=refusal)
        if creation.run:
            taken[creation.run.id] = creation.run
        creations.append(creation)
    if is_dry_run or (is_atomic and any(creation.refusal for creation in creations)):
        return [creation if creation.refusal else Creation() for creation in creations]
    _insert([creation.run for creation in creations if creation.run and creation.is_new], by)
    return creations


def _definitions(requests: Sequence[RunRequest]) -> dict[tuple[str, int | None], UserTaskDef]:
    """Every definition that is asked for, by name and version; the newest one of each name also by None."""
    names = {request.user_task_def_name for request in requests}
    versions = UserTaskDef.objects.filter(name__in={name for name in names if NAME.fullmatch(name)})
    asked = {r.user_task_def_version for r in requests if r.user_task_def_version is not None}
    wanted = {version for version in asked if 0 <= version <= MAX_VERSION}
    named = list(versions.filter(version__in=wanted)) if wanted else []
    return {
        **{(definition.name, definition.version): definition for definition in named},
        **{(definition.name, None): definition for definition in versions.newest()},
    }


def _plan(
    request: RunRequest,
    by: Actor,
    definitions: dict[tuple[str, int | None], UserTaskDef],
    taken: dict[uuid.UUID, UserTaskRun],
) -> Creation:
    """The run that a request asks for, not yet written. Raises `Refused`."""
    user_id, user_group = owner_of(user_id=request.user_id, user_group=request.user_group)
    if faults := _faults(request):
        raise InvalidArgument.of(faults)
    digest = request.digest(by)
    if request.id and (existing := taken.get(request.id)):
        if existing.request_digest != digest:
            raise AlreadyExists("Another request has created a run with this id.")
        is_visible = decide(Action.VIEW, existing, by).allowed
        return Creation(run=existing if is_visible else _as_created(existing, request))
    definition = definitions.get((request.user_task_def_name, request.user_task_def_version))
    if definition is None:
        version = "" if request.user_task_def_version is None else f" version {request.user_task_def_version}"
        raise NotFound(f"There is no definition {request.user_task_def_name}{version}.")
    run = UserTaskRun(
        id=request.id or uuid.uuid4(),
        wf_run_id=request.wf_run_id or uuid.uuid4().hex,
        definition=definition,
        user_task_def_name=definition.name,
        user_task_def_version=definition.version,
        user_id=user_id,
        user_group=user_group,
        status=Status.UNASSIGNED if user_id is None else Status.ASSIGNED,
        notes=request.notes,
        due_at=request.due_at,
        priority=request.priority,
        actions=definition.actions if request.actions is None else checked_actions(request.actions)[0],
        on_cancellation_exception_name=request.on_cancellation_exception_name,
        excluded_user_ids=list(dict.fromkeys(request.excluded_user_ids or [])),
        request_digest=digest,
    )
    return Creation(run=run, is_new=True)


def _as_created(run: UserTaskRun, request: RunRequest) -> UserTaskRun:
    """The run as it was at first: whoever created it may repeat the request, and yet not see what became of it."""
    return UserTaskRun(
        id=run.id,
        wf_run_id=run.wf_run_id,
        definition=run.definition,
        user_task_def_name=run.user_task_def_name,
        user_task_def_version=run.user_task_def_version,
        user_id=request.user_id,
        user_group=request.user_group,
        status=Status.UNASSIGNED if request.user_id is None else Status.ASSIGNED,
        notes=run.notes,
        scheduled_time=run.scheduled_time,
        due_at=run.due_at,
        priority=run.priority,
        actions=run.actions,
        on_cancellation_exception_name=run.on_cancellation_exception_name,
        excluded_user_ids=run.excluded_user_ids,
    )


def _faults(request: RunRequest) -> dict[str, list[Fault]]:
    flaws = {
        "due_at": request.due_at and _flaw_of_moment(request.due_at),
        "wf_run_id": flaw_of_name(request.wf_run_id),
        "on_cancellation_exception_name": flaw_of_name(request.on_cancellation_exception_name),
        "notes": json_text.flaw_of_text(request.notes),
    }
    faults = {name: [Fault("invalid", flaw)] for name, flaw in flaws.items() if flaw}
    if len(request.notes) > MAX_NOTES:
        faults["notes"] = [Fault("out_of_range", f"must have at most {MAX_NOTES} characters")]
    if not 0 <= request.priority <= MAX_PRIORITY:
        faults["priority"] = [Fault("out_of_range", f"must be from 0 to {MAX_PRIORITY}")]
    if request.excluded_user_ids is not None:
        faults |= _faults_of_excluded(request.excluded_user_ids, request.user_id)
    if request.actions is not None:
        faults |= checked_actions(request.actions)[1]
    return faults


def _faults_of_excluded(names: list[str], user_id: str | None) -> dict[str, list[Fault]]:
    if len(names) > MAX_EXCLUDED:
        return {"excluded_user_ids": [Fault("out_of_range", f"must be at most {MAX_EXCLUDED} names")]}
    flaws = (f"excluded_user_ids.{place}: {flaw}" for place, name in enumerate(names) if (flaw := flaw_of_name(name)))
    if flaw := next(flaws, None):
        return {"excluded_user_ids": [Fault("invalid", flaw)]}
    if user_id in names:
        return {"user_id": [Fault("invalid", "is among those who are excluded")]}
    return {}


def _flaw_of_moment(moment: datetime) -> str | None:
    if moment.tzinfo is None:
        return "must have an offset"
    try:
        moment.astimezone(UTC)
    except OverflowError:
        return "must lie within the years 1 to 9999 in UTC"
    return None


def _insert(runs: list[UserTaskRun], by: Actor) -> None:
    now = timezone.now()
    for run in runs:
        run.scheduled_time = now
        run.snooze_at_hand = by.user_id, None
    # Always in this order: of two batches with the same ids one waits for the other, and never both.
    runs = sorted(runs, key=lambda run: run.id)
    UserTaskRun.objects.bulk_create(runs)
    insert_events([new_event(run, EventType.CREATED, by, events.created(run), now, after=NOTHING_YET) for run in runs])
    ArmedHook.objects.bulk_create(hook for run in runs if run.actions for hook in armed_at_creation(run, now))
