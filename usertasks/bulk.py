"""One operation on many runs: each in its own transaction, each with its own result, and a way back."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db import transaction

from . import operations
from .actors import Actor, Scope
from .errors import Fault, InvalidArgument, NotFound, Refused
from .filters import Search
from .models import BulkChange, UserTaskRun
from .operations import noting_refusals
from .rules import require_scope

MAX_RUNS = 1000

ACTIONS: Mapping[str, Callable[..., UserTaskRun]] = {
    "claim": operations.claim,
    "release": operations.release,
    "assign": operations.assign,
    "complete": operations.complete,
    "cancel": operations.cancel,
}
"""What can be done to many at once, by its name."""

UNDOABLE = frozenset({"claim", "release", "assign"})
"""What changes nothing but the owner."""


@dataclass(frozen=True)
class Result:
    """What became of one run: the fresh run, or the refusal."""

    id: UUID
    run: UserTaskRun | None = None
    refusal: Refused | None = None


class _DryRun(Exception):
    """Takes back what a dry run has tried."""


def ids_of(search: Search) -> list[UUID]:
    """The runs that match. Raises `InvalidArgument` when there are more than `MAX_RUNS`."""
    ids = list(search.runs().newest_first().values_list("id", flat=True)[: MAX_RUNS + 1])
    if len(ids) > MAX_RUNS:
        raise InvalidArgument.at("filter", Fault("out_of_range", f"must match at most {MAX_RUNS} runs"))
    return ids


def change_many(
    action: str, ids: Sequence[UUID], arguments: Mapping[str, Any], *, by: Actor, is_dry_run: bool = False
) -> tuple[list[Result], BulkChange | None]:
    """Do `action` to each run once; the results in order, and what takes it back where that is possible.

    A dry run really tries each one and takes it back at once: what it says is what would happen.
    """
    if len(ids) > MAX_RUNS:
        raise InvalidArgument.at("ids", Fault("out_of_range", f"must be at most {MAX_RUNS}"))
    ids = list(dict.fromkeys(ids))
    owners = _owners(ids) if action in UNDOABLE and not is_dry_run else {}
    results = [_try(ACTIONS[action], run_id, arguments, by, is_dry_run=is_dry_run) for run_id in ids]
    return results, _remember(action, results, owners, by)


@noting_refusals
def undo(change_id: UUID, *, by: Actor) -> list[Result]:
    """Give the runs of a bulk change back to whom they had; those that have changed since are refused as `Stale`."""
    require_scope(Scope.RUNS_WRITE, by)
    change = BulkChange.objects.filter(pk=change_id, actor=by.user_id).first()
    if change is None:
        raise NotFound("There is no such change of yours.")
    return [_restore(change.action, item, by) for item in change.items]


def _try(
    operation: Callable[..., UserTaskRun], run_id: UUID, arguments: Mapping[str, Any], by: Actor, *, is_dry_run: bool
) -> Result:
    try:
        if is_dry_run:
            return _rehearse(operation, run_id, arguments, by)
        return Result(run_id, run=operation(run_id, by=by, **arguments))
    except Refused as refusal:
        return Result(run_id, refusal=refusal)


def _rehearse(operation: Callable[..., UserTaskRun], run_id: UUID, arguments: Mapping[str, Any], by: Actor) -> Result:
    """Do it, and take it back; what is refused leaves no note either."""
    result = Result(run_id)
    with suppress(_DryRun), transaction.atomic():
        result = Result(run_id, run=operation(run_id, by=by, **arguments))
        raise _DryRun
    return result


def _owners(ids: Sequence[UUID]) -> dict[UUID, tuple[int, str | None, str | None]]:
    rows = UserTaskRun.objects.filter(pk__in=ids).values_list("id", "version", "user_id", "user_group")
    return {row[0]: (row[1], row[2], row[3]) for row in rows}


def _remember(
    action: str, results: Sequence[Result], owners: Mapping[UUID, tuple[int, str | None, str | None]], by: Actor
) -> BulkChange | None:
    """What is needed to take it back: only runs that this change alone has moved."""
    items = []
    for result in results:
        before = owners.get(result.id)
        if result.run and before and result.run.version == before[0] + 1:
            items.append(
                {
                    "id": result.id.hex,
                    "version": result.run.version,
                    "user_id": before[1],
                    "user_group": before[2],
                }
            )
    if not items:
        return None
    return BulkChange.objects.create(actor=by.user_id, action=action, items=items)


def _restore(done: str, item: Mapping[str, Any], by: Actor) -> Result:
    run_id, owner = UUID(item["id"]), {name: item[name] for name in ("user_id", "user_group")}
    try:
        run = operations.restore_owner(run_id, by=by, done=done, **owner, expected=item["version"])
    except Refused as refusal:
        return Result(run_id, refusal=refusal)
    return Result(run_id, run=run)
