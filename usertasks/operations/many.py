"""One operation on many runs: one transaction, and as many statements for a thousand runs as for one.

Each run is decided for itself, by the same rules as a single one, and a refusal stops none of the others.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any
from uuid import UUID

from django.db import transaction

from ..actors import Actor
from ..errors import Refused
from ..models import UserTaskRun
from ..models.definitions import read_fields
from .beats import held, is_trusted_for
from .changes import Change, write_all
from .refusals import note_all

type Verb = Callable[[UserTaskRun], Change]
"""What is to become of a run, one of those that end in -ing in `runs.py`. Raises `Refused`."""


@transaction.atomic
def change_many(
    verb: Verb,
    run_ids: Sequence[UUID],
    name: str,
    *,
    by: Actor,
    on_behalf_of: str | None = None,
    expected: Mapping[UUID, int] | None = None,
) -> dict[UUID, Change | Refused]:
    """Do it to each run, and note under `name` what was refused; what became of each, in order."""
    made = _decide(verb, run_ids, _seen(run_ids, by, on_behalf_of).select_for_update(no_key=True), expected or {})
    write_all([change for change in made.values() if isinstance(change, Change)])
    refused = [(run_id, refusal) for run_id, refusal in made.items() if isinstance(refusal, Refused)]
    note_all(refused, name, by=by, on_behalf_of=on_behalf_of)
    return made


def rehearse_many(
    verb: Verb,
    run_ids: Sequence[UUID],
    *,
    by: Actor,
    on_behalf_of: str | None = None,
    expected: Mapping[UUID, int] | None = None,
) -> dict[UUID, Change | Refused]:
    """What would become of each: it is made in memory, and neither written nor noted. Nobody is held up by it."""
    return _decide(verb, run_ids, _seen(run_ids, by, on_behalf_of), expected or {})


def _seen(run_ids: Sequence[UUID], by: Actor, on_behalf_of: str | None) -> Any:
    """The runs among those that `by` may see, always in the same order: of two who want some of the same ones, each
    waits for the other at the first of these, and never both."""
    runs = UserTaskRun.objects.filter(pk__in=run_ids).order_by("pk")
    return runs if is_trusted_for(on_behalf_of, by) else runs.visible_to(by)


def _decide(
    verb: Verb, run_ids: Sequence[UUID], runs: Any, expected: Mapping[UUID, int]
) -> dict[UUID, Change | Refused]:
    found: dict[UUID, UserTaskRun] = {run.id: run for run in runs}
    read_fields(run.written for run in found.values())
    made: dict[UUID, Change | Refused] = {}
    for run_id in run_ids:
        try:
            made[run_id] = verb(held(found.get(run_id), expected.get(run_id)))
        except Refused as refusal:
            made[run_id] = refusal
    return made
