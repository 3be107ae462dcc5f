"""Filters that people keep under a name, for themselves or for a group that they are in or lead."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

from django.db import IntegrityError, connection, transaction
from django.utils.translation import gettext as _

from . import json_text
from .actors import Actor
from .by_key import columns_of
from .errors import AlreadyExists, Fault, InvalidArgument, NotFound
from .models import SavedFilter
from .models.personal import MAX_FILTER_NAME, MAX_QUERY
from .prepared import names, one_of, prepared_cursor

MOST = 50
"""How many somebody can keep: each is counted on every page."""


def saved_for(by: Actor) -> Sequence[SavedFilter]:
    """All of `by`, and after them what others share with a group of theirs, `2 * MOST` in all at most."""
    with prepared_cursor() as cursor:
        cursor.execute(_seen(connection.vendor), {"user_id": by.user_id, "groups": names(by.groups | by.leads)})
        return [columns_of(SavedFilter).row(stored) for stored in cursor.fetchall()]


@cache
def _seen(vendor: str) -> str:
    columns, table = columns_of(SavedFilter).text, SavedFilter._meta.db_table
    seen = f"user_id = %(user_id)s OR user_group {one_of('groups')}"
    order = "CASE WHEN user_id = %(user_id)s THEN 0 ELSE 1 END, name, id"
    return f"SELECT {columns} FROM {table} WHERE {seen} ORDER BY {order} LIMIT {2 * MOST}"  # nosec B608 # names of columns, a number


def save_filter(name: str, *, box: str, query: str, user_group: str | None, by: Actor) -> SavedFilter:
    """Keep a filter. Raises `InvalidArgument`, and `AlreadyExists` for a name that `by` has given before."""
    if faults := _faults(name, query, user_group, by):
        raise InvalidArgument.of(faults)
    try:
        with transaction.atomic():
            return SavedFilter.objects.create(
                user_id=by.user_id, user_group=user_group, name=name.strip(), box=box, query=query
            )
    except IntegrityError:
        raise AlreadyExists(_("You have a filter of that name already.")) from None


def forget_filter(filter_id: int, *, by: Actor) -> SavedFilter:
    """Take a filter away, which only who saved it can. Raises `NotFound`."""
    kept = SavedFilter.objects.filter(pk=filter_id, user_id=by.user_id).first()
    if kept is None:
        raise NotFound(_("There is no such filter of yours."))
    kept.delete()
    return kept


def _faults(name: str, query: str, user_group: str | None, by: Actor) -> dict[str, list[Fault]]:
    faults: dict[str, list[Fault]] = {}
    if flaw := json_text.flaw_of_text(name):
        faults["name"] = [Fault("invalid", flaw)]
    elif not _can_be_seen(name):
        faults["name"] = [Fault("required", _("must not be blank"))]
    elif len(name.strip()) > MAX_FILTER_NAME:
        faults["name"] = [Fault("out_of_range", _too_long(MAX_FILTER_NAME))]
    elif SavedFilter.objects.filter(user_id=by.user_id).count() >= MOST:
        most = _("must not be one of more than %(number)d: take one away first") % {"number": MOST}
        faults["name"] = [Fault("out_of_range", most)]
    if len(query) > MAX_QUERY:
        faults["query"] = [Fault("out_of_range", _too_long(MAX_QUERY))]
    if user_group is not None and user_group not in by.groups | by.leads:
        faults["user_group"] = [Fault("not_a_choice", _("must be a group of yours"))]
    return faults


def _can_be_seen(name: str) -> bool:
    """Whether there is more in it than white space and marks of no width: it is the words of a link."""
    return any(character.isprintable() and not character.isspace() for character in name)


def _too_long(most: int) -> str:
    return _("must have at most %(number)s characters") % {"number": most}
