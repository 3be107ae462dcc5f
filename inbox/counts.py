"""How much lies in each box of somebody, exactly, in one statement.

It says in SQL what the criteria of the boxes say (see `boxes.py`), because the ORM takes longer to write that than the
database to answer; `tests/inbox/test_counts.py` holds the two together, and the length of each list beside them. Each
number comes from an index; what is put off is looked up once, and taken away.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any

from django.db import connection

from usertasks.actors import Actor
from usertasks.models import OPEN, Status
from usertasks.models.counts import CountKind
from usertasks.models.runs import owners_seen_by
from usertasks.open_counts import beginning_of_day
from usertasks.prepared import names, one_of, prepared_cursor

PUT_OFF = """
SELECT 'put off', count(*), user_group, user_id, status, is_late FROM (
    SELECT r.user_group, r.user_id, r.status, COALESCE(r.due_at, {never}) < %(now)s AS is_late
    FROM usertasks_snooze s JOIN usertasks_usertaskrun r ON r.id = s.run_id
    WHERE s.user_id = %(me)s AND s.until > %(now)s
) AS put_off GROUP BY user_group, user_id, status, is_late
"""
IN_EACH_GROUP = """
SELECT 'groups', count(*), r.user_group, NULL, NULL, NULL FROM usertasks_usertaskrun r
WHERE r.status = 'UNASSIGNED' AND r.user_group {groups} GROUP BY r.user_group
"""
SAVED = """
SELECT 'saved', count(*), NULL, NULL, NULL, NULL FROM usertasks_savedfilter f
WHERE f.user_id = %(me)s OR f.user_group {seen_groups}
"""
MATCHING = "SELECT '{box}', {sign}count(*), NULL, NULL, NULL, NULL FROM usertasks_usertaskrun r WHERE {condition}\n"
ENDED = """
SELECT '{box}', {sign}COALESCE(sum(r.runs), 0), NULL, NULL, NULL, NULL FROM usertasks_closedcount r
WHERE {condition} AND r.kind IN ('change', '{kind}')
"""
"""The same of what has ended, where that is counted already: see `closed_counts.py`."""
OPENED = """
SELECT '{box}', COALESCE(sum(r.runs), 0), NULL, NULL, NULL, NULL FROM usertasks_opencount r WHERE {condition}
"""
"""The same of everything that is open: see `open_counts.py`."""

LATE = "COALESCE(r.due_at, {never}) < %(now)s"
"""Overdue as the indexes know it: see `orders.due_before`."""
LATE_TODAY = f"{LATE} AND COALESCE(r.due_at, {{never}}) >= %(today)s"
ASSIGNED, WAITING = "r.status = 'ASSIGNED'", "r.status = 'UNASSIGNED'"
OPEN_ONES = "r.status IN ('UNASSIGNED', 'ASSIGNED')"
MINE, OURS = "r.user_id {users}", "r.user_group {seen_groups}"
OF_ONE = (
    ("mine", "", f"{ASSIGNED} AND r.user_id = %(me)s"),
    ("done", "", "r.status = 'DONE' AND r.user_id = %(me)s"),
    ("standing-in", "", f"{ASSIGNED} AND r.user_id {{absent}}"),
)
# What is mine or my group's is what is mine, and what is my group's, less what is both: indexes know each of these.
OF_SOME = (
    ("overdue", "", f"{ASSIGNED} AND {LATE} AND {MINE}"),
    ("overdue", "", f"{WAITING} AND {LATE} AND {OURS}"),
    ("overdue", "", f"{ASSIGNED} AND {LATE} AND {OURS}"),
    ("overdue", "-", f"{ASSIGNED} AND {LATE} AND {MINE} AND {OURS}"),
    ("all", "", MINE),
    ("all", "", OURS),
    ("all", "-", f"{MINE} AND {OURS}"),
)
OF_ALL = (
    ("overdue", "", f"{OPEN_ONES} AND {LATE}"),
    ("all", "", "TRUE"),
)
COUNTED_OF_ALL = (
    OPENED.format(box="overdue", condition="r.due_day < (%(today)s AT TIME ZONE 'UTC')::date"),
    MATCHING.format(box="overdue", sign="", condition=f"{OPEN_ONES} AND {LATE_TODAY}"),
    OPENED.format(box="all", condition="TRUE"),
    ENDED.format(box="all", sign="", condition="TRUE", kind=CountKind.GROUP),
)
"""The same as `OF_ALL`, where everything is counted already."""
LISTS = ("users", "groups", "seen_groups", "absent")
"""The parameters that are lists. The text of the statement is the same for however many names there are in them."""
NEVER: Mapping[str, str] = {
    "postgresql": "'9999-12-31 00:00:00+00:00'::timestamptz",
    "sqlite": "'9999-12-31 00:00:00'",
}


MOST_SUGGESTED = 200
DEFINITIONS = f"SELECT DISTINCT name FROM usertasks_usertaskdef ORDER BY name LIMIT {MOST_SUGGESTED}"  # nosec B608 # a number


@dataclass(frozen=True)
class Counts:
    """Box → how much lies there; how much waits in each group that has any; whether they see any saved filter."""

    boxes: Mapping[str, int]
    groups: Mapping[str, int]
    has_saved: bool


def counts_for(by: Actor, now: datetime) -> Counts:
    """The counts of every box of `by`, and of boxes that they do not have."""
    users, seen_groups = owners_seen_by(by)
    parameters = {
        "users": names(users),
        "seen_groups": names(seen_groups),
        "groups": names(by.groups),
        "absent": names(by.stands_in_for),
    }
    moment, today = (connection.ops.adapt_datetimefield_value(time) for time in (now, beginning_of_day(now)))
    with prepared_cursor() as cursor:
        statement = _statement(connection.vendor, sees_all=by.holds("view_usertaskrun"))
        cursor.execute(statement, {**parameters, "me": by.user_id, "now": moment, "today": today})
        rows = cursor.fetchall()
    return _read(rows, by)


@cache
def _statement(vendor: str, *, sees_all: bool) -> str:
    is_counted = sees_all and vendor == "postgresql"
    conditions = (*OF_ONE, *(() if is_counted else OF_ALL if sees_all else OF_SOME))
    matching = [part for condition in conditions for part in _matching(*condition, vendor=vendor)]
    matching += COUNTED_OF_ALL if is_counted else ()
    lists = {name: one_of(name) for name in LISTS}
    return "UNION ALL ".join([PUT_OFF, IN_EACH_GROUP, SAVED, *matching]).format(never=NEVER[vendor], **lists)


def _matching(box: str, sign: str, condition: str, *, vendor: str) -> Iterator[str]:
    """What matches, in parts that are quickly counted."""
    if box in ("done", "all") and vendor == "postgresql":
        kind = CountKind.PERSON if "user_id" in condition else CountKind.GROUP
        yield ENDED.format(box=box, sign=sign, condition=condition, kind=kind)
        condition = f"{OPEN_ONES} AND {condition}"
    if box != "done" or vendor != "postgresql":
        yield MATCHING.format(box=box, sign=sign, condition=condition)


def _read(rows: Iterable[tuple[str, int, str | None, str | None, str | None, Any]], by: Actor) -> Counts:
    boxes: Counter[str] = Counter()
    groups: Counter[str] = Counter()
    saved = 0
    for box, number, user_group, user_id, status, is_late in rows:
        if box == "put off":
            for left in _left_by(user_id, user_group, status, by, is_late=bool(is_late)):
                boxes[left] += number if left == "snoozed" else -number
                if left == "groups":
                    groups[user_group or ""] -= number
        elif box == "saved":
            saved = number
        else:
            boxes[box] += number
            if box == "groups":
                groups[user_group or ""] += number
    return Counts(boxes, groups, has_saved=saved > 0)


def _left_by(
    user_id: str | None, user_group: str | None, status: str | None, by: Actor, *, is_late: bool
) -> Iterator[str]:
    """The boxes that such runs have left while they are put off; and the one in which they lie."""
    users, seen_groups = owners_seen_by(by)
    is_seen = by.holds("view_usertaskrun") or user_id in users or user_group in seen_groups
    if is_seen:
        yield "snoozed"
    if is_seen and is_late and status in OPEN:
        yield "overdue"
    if status == Status.ASSIGNED and user_id == by.user_id:
        yield "mine"
    if status == Status.ASSIGNED and user_id in by.stands_in_for:
        yield "standing-in"
    if status == Status.UNASSIGNED and user_group in by.groups:
        yield "groups"


def names_of_definitions() -> list[str]:
    """What somebody who looks for tasks of one kind could mean; in SQL for the same reason."""
    with prepared_cursor() as cursor:
        cursor.execute(DEFINITIONS)
        return [name for (name,) in cursor.fetchall()]
