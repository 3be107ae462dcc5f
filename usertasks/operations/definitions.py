"""Definitions are put and deleted; nobody edits one."""

from __future__ import annotations

import contextlib
from collections.abc import Collection, Sequence
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import Exists, OuterRef

from .. import json_text
from ..actors import Actor
from ..conditions import flaws_of_conditions
from ..errors import Fault, InvalidArgument, NotAllowed, NotFound, Refused, WrongState
from ..fieldtypes import FIELD_TYPES
from ..flaws import flaws_of_field
from ..hooks import checked_actions
from ..models import UserTaskDef, UserTaskField, UserTaskRun
from ..models.definitions import MAX_FIELDS, MAX_NAME, NAME
from ..rules import require_permission
from .refusals import note, noting_refusals

MAX_DESCRIPTION = 100_000
"""Characters."""
MAX_ATTEMPTS = 100
"""Of as many people who put at the same moment, the last one still gets a version."""


@noting_refusals
def put_definition(
    name: str,
    fields: Sequence[UserTaskField],
    *,
    by: Actor,
    description: str = "",
    actions: list[dict[str, Any]] | None = None,
) -> tuple[UserTaskDef, bool]:
    """The newest version if it says the same, else a new one, and whether it is new.

    `fields` are unsaved rows in their order. `actions` are what runs do by themselves that name none: without a word
    about them they stay those of the newest version, so that a client that knows nothing of them takes none away.
    Raises `InvalidArgument` (`fields.<n>.<part>` names a part of field n, from 0) and `NotAllowed`.
    """
    require_permission("add_usertaskdef", by)
    if faults := faults_of_definition(name, fields, description, actions):
        raise InvalidArgument.of(faults)
    for _ in range(MAX_ATTEMPTS - 1):
        # Somebody else may just have put this version: then theirs is the newest to compare with.
        with contextlib.suppress(IntegrityError):
            return _put(name, fields, description, actions)
    return _put(name, fields, description, actions)


@transaction.atomic
def _put(
    name: str, fields: Sequence[UserTaskField], description: str, actions: list[dict[str, Any]] | None
) -> tuple[UserTaskDef, bool]:
    newest = UserTaskDef.objects.named(name).newest_first().first()
    inherited = newest.actions if newest else []  # as they stand, also where a task is registered no longer
    normal = inherited if actions is None else checked_actions(actions)[0]
    definition = UserTaskDef(
        name=name, version=newest.version + 1 if newest else 0, description=description, actions=normal
    )
    if newest and _same(newest, list(newest.fields.all()), definition, fields):
        return newest, False
    definition.save(force_insert=True)
    for position, field in enumerate(fields):
        field.pk, field.definition, field.position = None, definition, position
    UserTaskField.objects.bulk_create(fields)
    return definition, True


@noting_refusals
def delete_definition(name: str, version: int, *, by: Actor) -> None:
    """Delete one version; `WrongState` while there are runs of it, in whatever state."""
    require_permission("add_usertaskdef", by)
    try:
        _delete(name, version)
    except IntegrityError:  # a run that was created meanwhile; the database is the one to notice
        raise WrongState(f"There are runs of {name} version {version}.") from None


@transaction.atomic
def _delete(name: str, version: int) -> None:
    versions = UserTaskDef.objects.select_for_update().filter(name=name, version=version)
    definition = versions.first() if NAME.fullmatch(name) else None
    if definition is None:
        raise NotFound(f"There is no definition {name} version {version}.")
    definition.delete()


@transaction.atomic
def delete_definitions(definition_ids: Collection[int], *, by: Actor) -> dict[int, Refused]:
    """Delete many; those for which it is refused, with the reason: as `delete_definition` would, row by row."""
    # Who creates a run holds a share of its definition: whoever has these locks sees every run there is.
    rows = UserTaskDef.objects.select_for_update().filter(pk__in=definition_ids).order_by("pk").in_bulk()
    runs = UserTaskRun.objects.filter(definition=OuterRef("pk"))
    in_use = set(UserTaskDef.objects.filter(Exists(runs), pk__in=rows).values_list("pk", flat=True))
    found = {pk: _refusal_to_delete(rows.get(pk), pk in in_use, by) for pk in definition_ids}
    refusals = {pk: refusal for pk, refusal in found.items() if refusal}
    UserTaskDef.objects.filter(pk__in=rows.keys() - refusals.keys()).delete()
    note(list(refusals.values()), delete_definition.__name__, by=by)
    return refusals


def _refusal_to_delete(row: UserTaskDef | None, is_in_use: bool, by: Actor) -> Refused | None:
    try:
        require_permission("add_usertaskdef", by)
    except NotAllowed as refusal:
        return refusal
    if row is None:
        return NotFound("There is no such definition.")
    return WrongState(f"There are runs of {row.name} version {row.version}.") if is_in_use else None


def faults_of_definition(
    name: str, fields: Sequence[UserTaskField], description: str, actions: Any = None
) -> dict[str, list[Fault]]:
    """Everything that is wrong with a definition, by where it stands."""
    faults = {} if actions is None else checked_actions(actions)[1]
    if len(name) > MAX_NAME or not NAME.fullmatch(name):
        faults["name"] = [Fault("invalid", f"must be letters, digits and inner hyphens, at most {MAX_NAME}")]
    if len(description) > MAX_DESCRIPTION:
        faults["description"] = [Fault("out_of_range", f"must have at most {MAX_DESCRIPTION} characters")]
    elif flaw := json_text.flaw_of_text(description):
        faults["description"] = [Fault("invalid", flaw)]
    if len(fields) > MAX_FIELDS:
        return {**faults, "fields": [Fault("out_of_range", f"must be at most {MAX_FIELDS}")]}
    names: set[str] = set()
    for index, field in enumerate(fields):
        for part, fault in _faults_of_field(field).items():
            faults[f"fields.{index}.{part}"] = [fault]
        if field.name in names:
            faults[f"fields.{index}.name"] = [Fault("invalid", "is the name of another field")]
        names.add(field.name)
    for index, flaw in flaws_of_conditions(fields).items():
        faults.setdefault(f"fields.{index}.presentation", [Fault("invalid", flaw)])
    return faults


def _faults_of_field(field: UserTaskField) -> dict[str, Fault]:
    faults: dict[str, Fault] = {}
    for part in ("name", "display_name", "description"):
        text = getattr(field, part)
        if flaw := json_text.flaw_of_text(text):
            faults[part] = Fault("invalid", flaw)
        elif len(text) > (MAX_DESCRIPTION if part == "description" else MAX_NAME):
            faults[part] = Fault("out_of_range", "is too long")
    if not field.name.strip():
        faults["name"] = Fault("required", "must not be blank")
    if field.type not in FIELD_TYPES:
        faults["type"] = Fault("not_a_choice", f"must be one of: {', '.join(FIELD_TYPES)}")
        return faults
    return faults | {part: Fault("invalid", flaw) for part, flaw in flaws_of_field(field).items()}


def _same(
    ours: UserTaskDef, our_fields: Sequence[UserTaskField], theirs: UserTaskDef, their_fields: Sequence[UserTaskField]
) -> bool:
    return _content(ours, our_fields) == _content(theirs, their_fields)


def _content(definition: UserTaskDef, fields: Sequence[UserTaskField]) -> str:
    content = [definition.description, definition.actions, [field.content() for field in fields]]
    return json_text.canonical(content)
