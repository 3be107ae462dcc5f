"""What somebody put into the database that no operation writes is named, and keeps nobody from going on."""

from __future__ import annotations

import io
from functools import partial
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.utils import timezone

from tests.audit.histories import ALICE, EVENTS, REFUSALS, a_story, names, report, sql
from tests.audit.test_verification import after, some_refusals
from tests.cast import a_run
from usertasks import feed, operations, retention
from usertasks.actors import Actor
from usertasks.audit import verify
from usertasks.models import EventType, FeedHead, Mail, PurgedEvent, UserTaskEvent, UserTaskRun

pytestmark = pytest.mark.django_db
only_sqlite = pytest.mark.skipif(connection.vendor != "sqlite", reason="PostgreSQL keeps to the types of its columns")

RUNS = "usertasks_usertaskrun"


def forged(run: UserTaskRun, kind: EventType, said: Any) -> UserTaskEvent:
    """An event without a place yet, as somebody inserts it who has the password of the database and not the key."""
    number = run.events.count() + 1
    return UserTaskEvent.objects.create(
        run=run, number=number, time=timezone.now(), type=kind, actor="mallory", data=said
    )


SAID: list[Any] = [{}, [], "x", {"user_id": ["x"], "new_user_id": ["x"], "comment_id": {}, "on_behalf_of": []}]


@pytest.mark.parametrize("said", SAID, ids=str)
@pytest.mark.parametrize("kind", [EventType.COMMENT_ADDED, EventType.ASSIGNED, EventType.CREATED])
def test_a_forged_event_is_named_and_the_feed_goes_on(kind: EventType, said: Any) -> None:
    run = operations.claim(a_run().id, by=ALICE)
    event = forged(run, kind, said)
    later = operations.add_comment(a_run().id, "hello", by=ALICE)
    assert feed.publish(timezone.now()) == 5
    assert UserTaskEvent.objects.get(run=later.run, type=EventType.COMMENT_ADDED).position
    assert f"run {run.id.hex}, event {event.number}" in names(report())
    assert not Mail.objects.exists()


COLUMNS = {
    "actor": "actor = x'ff00'",
    "actor that is no text": "actor = CAST(x'ff41' AS TEXT)",
    "type": "type = x'00'",
    "door": "door = x'00'",
    "address": "address = x'00'",
    "link": "link = x'00'",
    "redaction": "redaction = x'00'",
    "feed link": "feed_link = x'00'",
    "position": "position = 'first'",
    "data": "data = 5",
}


@only_sqlite
@pytest.mark.parametrize("column", COLUMNS)
def test_an_event_of_which_a_column_is_of_another_kind_is_named(column: str) -> None:
    run = a_story()
    told = after(partial(sql, f"UPDATE {EVENTS} SET {COLUMNS[column]} WHERE run_id = %s AND number = 3", run.pk))
    assert f"run {run.id.hex}, event 3" in names(told)


@only_sqlite
@pytest.mark.parametrize("assignment", ["run_id = 'somebody''s'", "run_id = x'00'", "number = 'three'"])
def test_an_event_without_a_readable_run_or_number_is_named_by_its_row(assignment: str) -> None:
    run = a_story()
    pk = run.events.get(number=3).pk
    told = after(partial(sql, f"UPDATE {EVENTS} SET {assignment} WHERE id = %s", pk))
    assert any(name.endswith(f"row {pk} of {EVENTS}") for name in names(told))
    assert f"run {run.id.hex}, event 3" in names(told)


@only_sqlite
@pytest.mark.parametrize("version", ["'many'", "x'00'", "1.5"])
def test_a_run_whose_version_is_no_number_is_named(version: str) -> None:
    run = a_story()
    assert names(after(partial(sql, f"UPDATE {RUNS} SET version = {version} WHERE id = %s", run.pk))) == [
        f"run {run.id.hex}"
    ]


@only_sqlite
@pytest.mark.parametrize("column", ["position", "link", "refusal_position", "refusals_begin_after"])
def test_heads_that_cannot_be_read_are_named(column: str) -> None:
    a_story()
    told = after(partial(sql, f"UPDATE usertasks_feedhead SET {column} = x'00'"))
    assert "the heads of the chains" in names(told)


@only_sqlite
@pytest.mark.parametrize("assignment", ["run_id = 'somebody''s'", "actor = x'00'", "address = x'00'", "link = x'00'"])
def test_a_refusal_that_cannot_be_read_is_named(assignment: str) -> None:
    some_refusals()
    assert names(after(partial(sql, f"UPDATE {REFUSALS} SET {assignment} WHERE position = 2")))[0] == "refusal 2"


@only_sqlite
def test_a_refusal_without_a_readable_place_is_named_by_its_row() -> None:
    some_refusals()
    told = after(partial(sql, f"UPDATE {REFUSALS} SET position = 'x' WHERE position = 2"))
    assert any(REFUSALS in name for name in names(told))


@only_sqlite
def test_a_mark_of_a_lawful_deletion_that_cannot_be_read_is_named() -> None:
    a_story()
    PurgedEvent.objects.create(position=99, link="x", feed_link="x", seal="x")
    told = after(partial(sql, "UPDATE usertasks_purgedevent SET position = 'x', seal = x'00'"))
    assert f"row 'x' of {PurgedEvent._meta.db_table}" in names(told)


@only_sqlite
def test_what_waits_for_its_place_and_cannot_be_read_is_named() -> None:
    run = operations.claim(a_run().id, by=ALICE)
    told = after(partial(sql, f"UPDATE {EVENTS} SET link = x'00' WHERE run_id = %s AND number = 2", run.pk))
    assert f"run {run.id.hex}, event 2" in names(told)
    assert any("no place in the chains" in name for name in names(told))


@only_sqlite
def test_the_command_names_it_and_takes_it_for_no_mistake_of_whoever_asks() -> None:
    run = a_story()
    sql(f"UPDATE {EVENTS} SET actor = x'00' WHERE run_id = %s AND number = 3", run.pk)
    for options in ({}, {"run": run.id.hex}):
        with pytest.raises(CommandError, match=rf"^run {run.id.hex}, event 3: .*Findings in all: 1"):
            call_command("verify_audit", stdout=io.StringIO(), **options)


@only_sqlite
def test_missing_events_are_told_where_comments_cannot_be_read() -> None:
    run = a_story()

    def tamper() -> None:
        sql("UPDATE usertasks_usertaskcomment SET run_id = 'x' WHERE number = 1")
        sql(f"DELETE FROM {EVENTS} WHERE run_id = %s AND number = 6", run.pk)

    assert names(after(tamper)) == [f"position {FeedHead.objects.get().position} of the feed"]


@only_sqlite
def test_a_run_with_an_event_that_cannot_be_read_is_not_purged() -> None:
    run = a_story()
    operations.cancel(run.id, by=Actor("mona", permissions=frozenset({"cancel_usertaskrun", "view_usertaskrun"})))
    now = timezone.now()
    verify(now)
    forged(run, EventType.COMMENT_ADDED, {})
    feed.publish(now)
    sql(f"UPDATE {EVENTS} SET number = 'x' WHERE run_id = %s AND actor = 'mallory'", run.pk)
    (step,) = retention.purge_runs(timezone.now(), now=now)
    assert (step.done, step.damaged) == (0, [run.id])
