"""One operation on many runs: each in its own transaction, each with its own result, and a way back.

A program is told the results once. For a page they are kept, with what can be taken back, for whoever did it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

from django.db import transaction

from . import operations
from .actors import Actor, Scope
from .bulk_outcomes import UNDO, Outcome, outcome_of
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
    """What became of one run: the fresh run, or the refusal; `is_unchanged` where it was so already."""

    id: UUID
    run: UserTaskRun | None = None
    refusal: Refused | None = None
    is_unchanged: bool = False
    wanted: Mapping[str, Any] | None = None
    """Of an undo, to whom the run was to go back."""


type Owners = Mapping[UUID, tuple[int, str | None, str | None]]
"""The version, the user and the group of each run, as they were."""


class _DryRun(Exception):
    """Takes back what a dry run has tried."""


def ids_of(search: Search) -> list[UUID]:
    """The runs that match, in the order asked for. Raises `InvalidArgument` when there are more than `MAX_RUNS`."""
    ids = list(search.runs().order_by(*search.order.by()).values_list("id", flat=True)[: MAX_RUNS + 1])
    if len(ids) > MAX_RUNS:
        raise InvalidArgument.at("filter", Fault("out_of_range", f"must match at most {MAX_RUNS} runs"))
    return ids


def change_many(
    action: str,
    ids: Sequence[UUID],
    arguments: Mapping[str, Any],
    *,
    by: Actor,
    is_dry_run: bool = False,
    expected: Mapping[UUID, int] | None = None,
) -> tuple[list[Result], BulkChange | None]:
    """Do `action` to each run once; the results in order, and what takes it back where that is possible.

    A dry run really tries each one and takes it back at once: what it says is what would happen. A run that is not at
    its `expected` version any more is refused as `Stale`.
    """
    if len(ids) > MAX_RUNS:
        raise InvalidArgument.at("ids", Fault("out_of_range", f"must be at most {MAX_RUNS}"))
    ids = list(dict.fromkeys(ids))
    owners = _owners(ids)
    results = []
    for run_id in ids:
        seen = {"expected": expected[run_id]} if expected and run_id in expected else {}
        result = _try(ACTIONS[action], run_id, {**arguments, **seen}, by, is_dry_run=is_dry_run)
        is_unchanged = result.run is not None and owners.get(run_id, (None,))[0] == result.run.version
        results.append(replace(result, is_unchanged=is_unchanged))
    is_undoable = action in UNDOABLE and not is_dry_run
    return results, _remember(action, results, owners, by) if is_undoable else None


def outcomes_of(
    results: Sequence[Result], action: str, arguments: Mapping[str, Any], *, by: Actor
) -> dict[UUID, Outcome]:
    """What became of each run, in a word."""
    refused = [result.id for result in results if result.refusal]
    runs = UserTaskRun.objects.visible_to(by).in_bulk(refused) if refused else {}
    outcomes = {}
    for result in results:
        if result.refusal:
            outcomes[result.id] = outcome_of(
                result.refusal, action, runs.get(result.id), by=by, arguments=result.wanted or arguments
            )
        else:
            outcomes[result.id] = Outcome.UNCHANGED if result.is_unchanged else Outcome.DONE
    return outcomes


def change_and_keep(
    action: str, ids: Sequence[UUID], arguments: Mapping[str, Any], *, by: Actor, expected: Mapping[UUID, int]
) -> BulkChange:
    """Like `change_many`; what became of each run is kept, also of what cannot be taken back."""
    results, change = change_many(action, ids, arguments, by=by, expected=expected)
    return _keep(change or BulkChange(actor=by.user_id, action=action), results, arguments, by)


def undo_and_keep(change_id: UUID, *, by: Actor) -> BulkChange:
    """Like `undo`; what became of each run is kept."""
    results = undo(change_id, by=by)
    return _keep(BulkChange(actor=by.user_id, action=UNDO, undoes_id=change_id), results, {}, by)


def kept(change_id: UUID, *, by: Actor) -> BulkChange:
    """A change of `by` of which the results are kept. Raises `NotFound`."""
    change = BulkChange.objects.filter(pk=change_id, actor=by.user_id).select_related("undoes").first()
    if change is None or not change.results:
        raise NotFound("There is no such change of yours.")
    return change


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


def _owners(ids: Sequence[UUID]) -> Owners:
    rows = UserTaskRun.objects.filter(pk__in=ids).values_list("id", "version", "user_id", "user_group")
    return {row[0]: (row[1], row[2], row[3]) for row in rows}


def _remember(action: str, results: Sequence[Result], owners: Owners, by: Actor) -> BulkChange | None:
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


def _keep(change: BulkChange, results: Sequence[Result], arguments: Mapping[str, Any], by: Actor) -> BulkChange:
    outcomes = outcomes_of(results, change.action, arguments, by=by)
    change.arguments = dict(arguments)
    change.results = [{"id": run_id.hex, "outcome": outcome.value} for run_id, outcome in outcomes.items()]
    change.save()
    return change


def _restore(done: str, item: Mapping[str, Any], by: Actor) -> Result:
    run_id, owner = UUID(item["id"]), {name: item[name] for name in ("user_id", "user_group")}
    try:
        run = operations.restore_owner(run_id, by=by, done=done, **owner, expected=item["version"])
    except Refused as refusal:
        return Result(run_id, refusal=refusal, wanted=owner)
    return Result(run_id, run=run)
