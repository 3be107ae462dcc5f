"""One operation on many runs: each with its own result, all in one transaction, and a way back.

A program is told the results once. For a page they are kept, with what can be taken back, for whoever did it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, partial
from typing import Any
from uuid import UUID

from django.db import transaction

from . import operations
from .actors import Actor, Scope
from .bulk_outcomes import UNDO, Outcome, outcome_of
from .errors import Fault, InvalidArgument, NotFound, Refused
from .filters import Search
from .models import BulkChange, UserTaskRun
from .operations import FOR_SOMEBODY, Change, Owner, Verb, noting_refusals
from .owners import owner_of
from .rules import Action, require_scope

MAX_RUNS = 1000

ACTIONS: Mapping[str, Callable[..., Change]] = {
    "claim": operations.claiming,
    "release": operations.releasing,
    "assign": operations.assigning,
    "complete": operations.completing,
    "cancel": operations.cancelling,
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


def ids_of(search: Search) -> list[UUID]:
    """The runs that match, in the order asked for. Raises `InvalidArgument` when there are more than `MAX_RUNS`."""
    ids, has_more = search.first_ids(MAX_RUNS)
    if has_more:
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

    A dry run decides each one as if it were meant, and writes nothing. A run that is not at its `expected` version any
    more is refused as `Stale`.
    """
    if len(ids) > MAX_RUNS:
        raise InvalidArgument.at("ids", Fault("out_of_range", f"must be at most {MAX_RUNS}"))
    ids, verb = list(dict.fromkeys(ids)), _verb(action, arguments, by)
    person = arguments.get("user_id") if action in FOR_SOMEBODY else None
    if is_dry_run:
        would = operations.rehearse_many(verb, ids, by=by, on_behalf_of=person, expected=expected)
        return [_result(run_id, change) for run_id, change in would.items()], None
    with transaction.atomic():
        made = operations.change_many(verb, ids, action, by=by, on_behalf_of=person, expected=expected)
        undoable = _remember(action, made, by) if action in UNDOABLE else None
    return [_result(run_id, change) for run_id, change in made.items()], undoable


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


@transaction.atomic
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
    owners = {UUID(item["id"]): {name: item[name] for name in ("user_id", "user_group")} for item in change.items}
    versions = {UUID(item["id"]): item["version"] for item in change.items}

    def restoring(run: UserTaskRun) -> Change:
        return operations.restoring(run, by=by, done=change.action, **owners[run.id])

    made = operations.change_many(restoring, list(owners), "restore_owner", by=by, expected=versions)
    return [_result(run_id, restored, owners[run_id]) for run_id, restored in made.items()]


def _verb(action: str, arguments: Mapping[str, Any], by: Actor) -> Verb:
    """What `action` makes of a run."""
    if action == Action.ASSIGN:
        return partial(_assigning, by=by, arguments=arguments, owner=cache(Owner))
    return partial(ACTIONS[action], by=by, **arguments)


def _assigning(run: UserTaskRun, *, by: Actor, arguments: Mapping[str, Any], owner: Callable[..., Owner]) -> Change:
    """`owner` gives the same one every time, who is asked about once."""
    to = owner(*owner_of(user_id=arguments.get("user_id"), user_group=arguments.get("user_group")))
    return operations.assigning(run, by=by, owner=to, override_claim=arguments.get("override_claim", False))


def _result(run_id: UUID, made: Change | Refused, wanted: Mapping[str, Any] | None = None) -> Result:
    if isinstance(made, Refused):
        return Result(run_id, refusal=made, wanted=wanted)
    return Result(run_id, run=made.run, is_unchanged=not made.told)


def _remember(action: str, made: Mapping[UUID, Change | Refused], by: Actor) -> BulkChange | None:
    """What is needed to take it back, of the runs that it has moved."""
    items = [
        {
            "id": run_id.hex,
            "version": change.run.version,
            "user_id": change.before.user_id,
            "user_group": change.before.user_group,
        }
        for run_id, change in made.items()
        if isinstance(change, Change) and change.told
    ]
    return BulkChange.objects.create(actor=by.user_id, action=action, items=items) if items else None


def _keep(change: BulkChange, results: Sequence[Result], arguments: Mapping[str, Any], by: Actor) -> BulkChange:
    outcomes = outcomes_of(results, change.action, arguments, by=by)
    change.arguments = dict(arguments)
    change.results = [{"id": run_id.hex, "outcome": outcome.value} for run_id, outcome in outcomes.items()]
    change.save()
    return change
