"""What a request names: which run, which definition, which person. Raises `Refused` for what is missing or unknown."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from django.db.models import Q
from django.utils.datastructures import MultiValueDict
from littlehorse import model as lh

from .. import json_text, operations
from ..actors import Actor
from ..conditions import flaws_of_conditions
from ..errors import Fault, InvalidArgument, NotFound
from ..filters import Search
from ..flaws import flaws_of_field
from ..models import UserTaskDef, UserTaskField, UserTaskRun
from ..models.definitions import UserTaskDefQuerySet
from ..models.runs import guid_of
from ..one_run import seen_run
from ..operations import SavePolicy
from ..operations.refusals import FOR_SOMEBODY
from .paging import definition_position

ID_COLUMNS = ("id", "wf_run_id", "scheduled_time")
"""What ids and bookmarks of runs are made of."""

POLICIES: Mapping[int, SavePolicy] = {
    lh.SaveUserTaskRunProgressRequest.FAIL_IF_CLAIMED_BY_OTHER: SavePolicy.FAIL_IF_CLAIMED_BY_OTHER,
    lh.SaveUserTaskRunProgressRequest.IGNORE_CLAIM: SavePolicy.IGNORE_CLAIM,
}


def required(name: str, text: str) -> str:
    """A text that has to be there."""
    if not text.strip():
        raise InvalidArgument.at(name, Fault("required", "is required"))
    if flaw := json_text.flaw_of_text(text):
        raise InvalidArgument.at(name, Fault("invalid", flaw))
    return text


def visible_run(identity: Any, by: Actor) -> UserTaskRun:
    """The run with this id, among what the caller may see."""
    guid = _guid_named(identity)
    return _of_its_workflow(seen_run(guid, by=by) if guid else None, identity)


def run_to_change(request: Any, verb: str, by: Actor) -> UserTaskRun:
    """The run that an operation is asked to change; whom it is done for, a service is trusted to know.

    What the caller may not see, and what is not there, is for the operation to refuse, in the same words and with the
    same statements: of such a run, this knows nothing but the id.
    """
    identity, runs = request.user_task_run_id, UserTaskRun.objects.all()
    guid = _guid_named(identity)
    known = runs if by.holds("act_on_behalf") else runs.visible_to(by)
    found = known.filter(pk=guid).first() if guid else None
    if guid and found is None:
        return UserTaskRun(id=guid)
    try:
        return _of_its_workflow(found, identity)
    except NotFound as refusal:
        person = request.user_id if verb in FOR_SOMEBODY else None
        operations.note([refusal], verb, by=by, run_id=guid, on_behalf_of=person)
        raise


def _guid_named(identity: Any) -> UUID | None:
    required("wf_run_id", identity.wf_run_id.id)
    return guid_of(required("user_task_guid", identity.user_task_guid))


def _of_its_workflow(run: UserTaskRun | None, identity: Any) -> UserTaskRun:
    """The run, if there is one and the id names its workflow run."""
    workflow = identity.wf_run_id
    if run is None or run.wf_run_id != workflow.id or workflow.HasField("parent_wf_run_id"):
        raise NotFound("There is no such run.")
    return run


def fresh(run: UserTaskRun) -> UserTaskRun:
    """The run as it is now, for an answer to whoever was allowed to change it."""
    return UserTaskRun.objects.get(pk=run.pk)


def comment_number(request: Any) -> int:
    number: int = request.user_comment_id
    if number == 0:
        raise InvalidArgument.at("user_comment_id", Fault("required", "is required"))
    return number


def save_policy(request: Any) -> SavePolicy:
    policy = POLICIES.get(request.policy)
    if policy is None:
        raise InvalidArgument.at("policy", Fault("not_a_choice", f"must be one of: {', '.join(SavePolicy)}"))
    return policy


def optional(request: Any, name: str) -> Any:
    """What a field holds, or None where it is not set."""
    return getattr(request, name) if request.HasField(name) else None


def search_of(request: Any, by: Actor) -> Search:
    """The search that a request describes. Raises `InvalidArgument`, also where it describes nothing."""
    texts: MultiValueDict[str, str] = MultiValueDict()
    for name in ("user_task_def_name", "user_id", "user_group"):
        if request.HasField(name):
            texts[name] = getattr(request, name)
    if request.HasField("status"):
        texts["status"] = name_of(lh.UserTaskRunStatus, request.status)
    for name in ("earliest_start", "latest_start"):
        if request.HasField(name):
            texts[name] = _moment(name, getattr(request, name))
    if not texts:
        raise InvalidArgument("A search needs at least one criterion.")
    return Search(texts, by=by, columns=ID_COLUMNS)


def workflow_search(request: Any, by: Actor) -> Search:
    """The runs of one workflow run."""
    texts = MultiValueDict({"wf_run_id": [required("wf_run_id", request.wf_run_id.id)]})
    return Search(texts, by=by, columns=ID_COLUMNS)


def definition_named(name: str, version: int | None = None) -> UserTaskDef:
    """That version of a definition; the newest without one."""
    versions = UserTaskDef.objects.named(required("name", name)).newest_first()
    found = (versions if version is None else versions.filter(version=version)).first()
    if found is None:
        raise NotFound(f"There is no definition {name}{'' if version is None else f' version {version}'}.")
    return found


def definitions_sought(request: Any) -> UserTaskDefQuerySet:
    """The versions of definitions that match, from the bookmark on, by name and version."""
    wanted = request.name or request.prefix
    if json_text.flaw_of_text(wanted):
        return UserTaskDef.objects.none()
    found = UserTaskDef.objects.order_by("name", "version")
    if request.name:
        found = found.named(wanted)
    elif request.prefix:
        found = found.with_prefix(wanted)
    if position := definition_position(request.bookmark):
        name, version = position
        found = found.filter(Q(name__gt=name) | Q(name=name, version__gt=version))
    return found


def fields_put(request: Any) -> list[UserTaskField]:
    """The fields of a definition as unsaved rows.

    The protocol has no words for `validation` and `presentation`. A client that puts its definition again at every
    start must not take them away: a field that keeps its name and type keeps them too. What makes no sense any more,
    such as a condition on a field that is gone, is left out: the client could not say anything better.
    """
    newest = UserTaskDef.objects.named(required("name", request.name)).newest_first().first()
    known = {(field.name, field.type): field for field in newest.fields.all()} if newest else {}
    fields = [_field_put(field, known) for field in request.fields]
    for field in fields:
        if field.presentation and "presentation" in flaws_of_field(field):
            field.presentation = {}
    for position in flaws_of_conditions(fields):
        kept = fields[position].presentation
        fields[position].presentation = {key: said for key, said in kept.items() if key != "show_if"}
    return fields


def name_of(enum: Any, number: int) -> str:
    """The name of a number of an enum; one that it does not know is its own name, which nothing in the domain has."""
    return str(enum.Name(number)) if number in enum.values() else str(number)


def _field_put(field: Any, known: Mapping[tuple[str, str], UserTaskField]) -> UserTaskField:
    kind = name_of(lh.VariableType, field.type)
    old = known.get((field.name, kind), UserTaskField())
    return UserTaskField(
        name=field.name,
        type=kind,
        display_name=field.display_name,
        description=field.description,
        required=field.required,
        validation=old.validation,
        presentation=old.presentation,
    )


def _moment(name: str, message: Any) -> str:
    try:
        return str(message.ToJsonString())
    except ValueError:
        raise InvalidArgument.at(name, Fault("out_of_range", "must lie within the years 1 to 9999")) from None
