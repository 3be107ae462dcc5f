"""Substitutes: naming who stands in for somebody during a period, and ending it."""

from __future__ import annotations

from collections.abc import Collection
from datetime import UTC, date, datetime, time, timedelta

from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _

from .actors import Actor
from .errors import Fault, InvalidArgument, NotAllowed, NotFound, Refused, WrongState
from .logbook import Deed, enter, enter_all
from .models import Substitution
from .operations import note, noting_refusals
from .owners import flaw_of_name
from .rules import require_permission

LONGEST = timedelta(days=366)
"""A period that is longer is no absence any more: then the tasks should go to somebody else."""


@noting_refusals
@transaction.atomic
def name_substitute(
    user_id: str, substitute_id: str, *, by: Actor, now: datetime, starts_at: datetime, ends_at: datetime
) -> Substitution:
    """Let `substitute_id` see and do what `user_id` owns, from `starts_at` until before `ends_at`.

    Everybody names their own; with `add_substitution` one names somebody else's. A beginning that has passed is now.
    Several may stand in for one person. Raises `NotAllowed` or `InvalidArgument`.
    """
    if user_id != by.user_id:
        require_permission("add_substitution", by)
    if flaw := flaw_of_name(user_id):
        raise InvalidArgument.at("user_id", Fault("invalid", flaw))
    # The lock makes two who name substitutes of one person wait for each other: what overlaps is looked for under it.
    list(User.objects.select_for_update().filter(username=user_id))
    starts_at = max(starts_at, now)
    if faults := _faults(user_id, substitute_id, starts_at, ends_at, now):
        raise InvalidArgument.of(faults)
    row = Substitution.objects.create(
        user_id=user_id, substitute_id=substitute_id, starts_at=starts_at, ends_at=ends_at, named_by=by.user_id
    )
    enter(row, Deed.MADE, f"Named from {starts_at.isoformat()} until {ends_at.isoformat()}", by=by)
    return row


def _faults(
    user_id: str, substitute_id: str, starts_at: datetime, ends_at: datetime, now: datetime
) -> dict[str, list[Fault]]:
    """What is wrong with it, by the argument."""
    # Whoever is away may have left for good; whoever stands in has to be there.
    flaws = {
        "user_id": _flaw_of_account(user_id, User.objects.all()),
        "substitute_id": _flaw_of_account(substitute_id, User.objects.filter(is_active=True)),
    }
    faults = {name: [Fault("invalid", flaw)] for name, flaw in flaws.items() if flaw}
    if "substitute_id" not in faults and user_id == substitute_id:
        faults["substitute_id"] = [Fault("invalid", _("must be somebody else"))]
    if flaw := _flaw_of_period(starts_at, ends_at, now):
        faults["ends_at"] = [Fault("out_of_range", flaw)]
    elif not faults and _overlapping(user_id, substitute_id, starts_at, ends_at):
        faults["substitute_id"] = [Fault("invalid", _("stands in during a part of this time already"))]
    return faults


def period_of_days(first_day: date, last_day: date) -> tuple[datetime, datetime]:
    """From the beginning of the first day until the end of the last one, in the current time zone. Raises
    `InvalidArgument` beyond the calendar."""
    try:
        return _midnight(first_day), _midnight(last_day + timedelta(days=1))
    except (OverflowError, ValueError):
        raise InvalidArgument.at("last_day", Fault("out_of_range", _("is beyond our calendar"))) from None


def _midnight(day: date) -> datetime:
    moment = timezone.make_aware(datetime.combine(day, time.min))
    return moment.astimezone(UTC)


@noting_refusals
@transaction.atomic
def end_substitution(substitution_id: int, *, by: Actor, now: datetime) -> None:
    """End it now; one that has not begun goes as if it had never been named.

    That is for the person, for whoever named it, and for holders of `change_substitution`. Raises `NotFound`,
    `NotAllowed`, or `WrongState` where it is over.
    """
    for refusal in _ended([substitution_id], by, now, Q(pk=substitution_id)).values():
        raise refusal


@transaction.atomic
def end_substitutions(substitution_ids: Collection[int], *, by: Actor, now: datetime) -> dict[int, Refused]:
    """The same for many; those for which it is refused, with the reason."""
    refusals = _ended(substitution_ids, by, now, Q(pk__in=substitution_ids))
    note(list(refusals.values()), end_substitution.__name__, by=by)
    return refusals


def _ended(substitution_ids: Collection[int], by: Actor, now: datetime, which: Q) -> dict[int, Refused]:
    """End those that `by` may end; the refusals of the others."""
    known = Substitution.objects.select_for_update().filter(known_to(by), which).order_by("pk")
    rows = {row.pk: row for row in known}
    refused = {pk: _refusal_to_end(rows.get(pk), by, now) for pk in substitution_ids}
    refusals = {pk: refusal for pk, refusal in refused.items() if refusal}
    ending = [row for pk, row in rows.items() if pk not in refusals]
    words = "Ended; it was to last until {}"
    enter_all([(row, words.format(row.ends_at.isoformat())) for row in ending], Deed.CHANGED, by=by)
    begun = {pk for pk, row in rows.items() if pk not in refusals and row.starts_at < now}
    Substitution.objects.filter(pk__in=begun).update(ends_at=now)
    Substitution.objects.filter(pk__in=[row.pk for row in ending if row.pk not in begun]).delete()
    return refusals


def _refusal_to_end(row: Substitution | None, by: Actor, now: datetime) -> Refused | None:
    if row is None:
        return NotFound(_("There is no such substitution."))
    if by.user_id not in (row.user_id, row.named_by) and not by.holds("change_substitution"):
        return NotAllowed(
            _("Only %(user_id)s or whoever named %(substitute_id)s ends this.")
            % {"user_id": row.user_id, "substitute_id": row.substitute_id}
        )
    return WrongState(_("It is over already.")) if row.ends_at <= now else None


def known_to(by: Actor) -> Q:
    """Which substitutions somebody knows of: their own on either side, and all with `view_substitution`."""
    if by.holds("view_substitution"):
        return Q()
    return Q(user_id=by.user_id) | Q(substitute_id=by.user_id) | Q(named_by=by.user_id)


def _flaw_of_account(name: str, accounts: QuerySet[User]) -> str | None:
    if flaw := flaw_of_name(name):
        return flaw
    return None if accounts.filter(username=name).exists() else _("must be the name of somebody with an account")


def _flaw_of_period(starts_at: datetime, ends_at: datetime, now: datetime) -> str | None:
    if ends_at <= now:
        return _("must be in the future")
    if ends_at <= starts_at:
        return _("must not be before it begins")
    return _("must be within a year of the beginning") if ends_at - starts_at > LONGEST else None


def _overlapping(user_id: str, substitute_id: str, starts_at: datetime, ends_at: datetime) -> bool:
    same = Substitution.objects.filter(user_id=user_id, substitute_id=substitute_id)
    return same.filter(starts_at__lt=ends_at, ends_at__gt=starts_at).exists()
