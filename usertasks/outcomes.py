"""The outcome of a run, for whoever waits for it: section 2 of the contract."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from .actors import Actor
from .errors import NotFound
from .models import Status, UserTaskRun


@dataclass(frozen=True)
class Failure:
    """`kind` is `EXCEPTION`, which the workflow has named, or `ERROR`."""

    name: str
    kind: str
    message: str


@dataclass(frozen=True)
class Outcome:
    """`output` where the run is done, `failure` where it was cancelled; neither while it is open."""

    status: str
    output: dict[str, Any] | None = None
    failure: Failure | None = None

    @property
    def is_final(self) -> bool:
        return self.output is not None or self.failure is not None


CANCELLED = "USER_TASK_CANCELLED"


def outcome_of(run: UserTaskRun) -> Outcome:
    """The output has a key for every field of the definition: null where an optional one was left out."""
    if run.status == Status.DONE:
        return Outcome(run.status, output={field.name: run.results.get(field.name) for field in run.fields})
    if run.status == Status.CANCELLED:
        return Outcome(run.status, failure=_failure(run.on_cancellation_exception_name))
    return Outcome(run.status)


def find_outcome(run_id: UUID, *, by: Actor) -> Outcome:
    """The outcome as it is now. Raises `NotFound` where `by` may not see the run."""
    run = UserTaskRun.objects.visible_to(by).filter(pk=run_id).first()
    if run is None:
        raise NotFound("There is no such run.")
    return outcome_of(run)


def _failure(exception_name: str | None) -> Failure:
    message = "The user task was cancelled."
    if exception_name:
        return Failure(exception_name, "EXCEPTION", message)
    return Failure(CANCELLED, "ERROR", message)
