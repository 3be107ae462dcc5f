"""Putting runs off until later: for one person alone.

It is no change of the run: no event tells of it, its version stays, and nobody else notices. It outlives a change of
owner, and is theirs still when the run comes back; it ends by its time, or with the run's row.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from uuid import UUID

from django.db import transaction
from django.utils.translation import gettext as _

from .actors import Actor, Scope
from .errors import Fault, InvalidArgument, WrongState
from .models import Snooze, UserTaskRun
from .one_run import seen_run
from .rules import require_scope

MOST = timedelta(days=366)
"""How far ahead a run can be put off."""


@transaction.atomic
def snooze(run_id: UUID, *, until: datetime, by: Actor, now: datetime) -> Snooze:
    """Put a run off for `by`. Raises `NotFound`, `WrongState` where it is ended, `InvalidArgument` for the time."""
    require_scope(Scope.RUNS_WRITE, by)
    run = seen_run(run_id, by=by)
    if not run.is_open:
        raise WrongState(_("Not possible while the run is %(status)s.") % {"status": run.status})
    if not now < until <= now + MOST:
        raise InvalidArgument.at("until", Fault("out_of_range", _("must lie in the future, and within a year")))
    row = Snooze(run=run, user_id=by.user_id, until=until)
    Snooze.objects.bulk_create([row], update_conflicts=True, unique_fields=["user_id", "run"], update_fields=["until"])
    return row


def wake(run_id: UUID, *, by: Actor) -> None:
    """Take a run back among one's own; nothing changes where it is there. Raises `NotFound`."""
    require_scope(Scope.RUNS_WRITE, by)
    Snooze.objects.filter(run=seen_run(run_id, by=by), user_id=by.user_id).delete()


def snoozed_until(run: UserTaskRun, *, by: Actor, now: datetime) -> datetime | None:
    """Until when `by` has put it off; None where they have not. An operation on the run has read it along with it."""
    if run.snooze_at_hand and run.snooze_at_hand[0] == by.user_id:
        until = run.snooze_at_hand[1]
        return until if until and until > now else None
    moments = Snooze.objects.of(by.user_id, now).filter(run=run)
    return moments.values_list("until", flat=True).first()
