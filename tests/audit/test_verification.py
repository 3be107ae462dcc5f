"""What was tampered with is named; what was not is not."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import Any

import pytest
from django.conf import LazySettings
from django.core.management import CommandError, call_command
from django.db import connection, transaction

from tests.audit.histories import ALICE, EVENTS, REFUSALS, a_long_history, a_story, names, report, sql
from tests.cast import ENGINE, a_run
from usertasks import chain, operations
from usertasks.actors import Actor
from usertasks.audit import Report, verify
from usertasks.errors import Refused
from usertasks.models import FeedHead, PurgedEvent, Refusal, UserTaskEvent, UserTaskRun

pytestmark = pytest.mark.django_db

MANY = 10_000


def after(tamper: Callable[[], object]) -> Report:
    """What a verification says after that; it is taken back."""
    with transaction.atomic():
        tamper()
        told = report()
        transaction.set_rollback(True)
    return told


def changed(run: UserTaskRun, number: int, assignment: str, *parameters: Any) -> Callable[[], None]:
    return lambda: sql(
        f"UPDATE {EVENTS} SET {assignment} WHERE run_id = %s AND number = %s", *parameters, run.pk, number
    )


def deleted(run: UserTaskRun, number: int) -> Callable[[], None]:
    return lambda: sql(f"DELETE FROM {EVENTS} WHERE run_id = %s AND number = %s", run.pk, number)


def event(run: UserTaskRun, number: int) -> str:
    return f"run {run.id.hex}, event {number}"


def one_byte_of_data() -> str:
    """The assignment that makes an `8` of a `7` in the data."""
    is_postgresql = connection.vendor == "postgresql"
    return (
        "data = replace(data::text, '4567', '4568')::jsonb" if is_postgresql else "data = replace(data, '4567', '4568')"
    )


def test_one_byte_and_one_row_are_named_in_a_history_of_ten_thousand() -> None:
    run = a_long_history(MANY)
    told = report()
    assert (told.is_intact, told.events) == (True, MANY)
    assert names(after(changed(run, 4567, one_byte_of_data()))) == [event(run, 4567)]
    assert names(after(deleted(run, 5000))) == [event(run, 5000)]


COLUMNS: dict[str, Callable[[], str]] = {
    "data": one_byte_of_data,
    "actor": lambda: "actor = 'alicf'",
    "type": lambda: "type = 'assigned'",
    "door": lambda: "door = 'grpc'",
    "address": lambda: "address = '192.0.2.8'",
    "no address": lambda: "address = NULL",
    "link": lambda: "link = '00' || substr(link, 3)",
    "no link": lambda: "link = ''",
    "place in the feed": lambda: "feed_link = '00' || substr(feed_link, 3)",
    "made anonymous": lambda: "redaction = link",
    "time": lambda: (
        "time = time + interval '1 microsecond'"
        if connection.vendor == "postgresql"
        else "time = replace(time, '-', '+')"
    ),
}


@pytest.mark.parametrize("column", COLUMNS)
def test_a_changed_column_is_named(column: str) -> None:
    run = a_story()
    operations.save_progress(run.id, {"requestedItem": "4567"}, by=ALICE)
    assert report().is_intact
    assert names(after(changed(run, 7, COLUMNS[column]()))) == [event(run, 7)]


@pytest.mark.parametrize("number", [1, 2, 3, 4, 5, 6])
def test_a_deleted_event_is_named(number: int) -> None:
    """The last ones are comments, of which the version of the run does not tell."""
    run, other = a_story(), a_story()
    assert names(after(deleted(run, number))) == [event(run, number)]
    assert names(after(deleted(other, number))) == [event(other, number)]


def test_a_change_at_the_end_of_a_run_is_missed_by_the_version_of_the_run() -> None:
    run = operations.claim(a_run().id, by=ALICE)
    assert report().is_intact

    def cut() -> None:
        deleted(run, 2)()
        first = UserTaskEvent.objects.get(run=run)
        FeedHead.objects.update(position=first.position, link=first.feed_link)

    assert names(after(cut)) == [event(run, 2)]


def test_a_link_that_was_changed_casts_no_doubt_on_what_follows_it() -> None:
    run = a_story()
    assert names(after(changed(run, 3, "link = '00' || substr(link, 3)"))) == [event(run, 3)]


def test_events_that_are_missing_in_a_row_are_one_finding() -> None:
    run = a_story()
    told = after(lambda: sql(f"DELETE FROM {EVENTS} WHERE run_id = %s AND number > 1", run.pk))
    assert told.findings[0].name == event(run, 2)
    assert {finding.what for finding in told.findings} == {"it is missing"}


def test_two_events_that_changed_places_are_named() -> None:
    run = a_story()

    def swap() -> None:
        for was, becomes in ((4, 99), (5, 4), (99, 5)):
            changed(run, was, "number = %s", becomes)()

    assert names(after(swap))[:2] == [event(run, 5), event(run, 4)]


def test_a_run_that_is_gone_leaves_a_gap_in_the_feed() -> None:
    gone, left = a_story(), a_story()
    first = UserTaskEvent.objects.filter(run=gone).order_by("number").first()
    assert first is not None
    told = after(lambda: UserTaskRun.objects.filter(pk=gone.pk).delete())
    assert names(told)[0] == f"position {first.position} of the feed"
    assert len(told.findings) == 6
    assert left.id.hex not in str(told.findings)


def test_a_forged_mark_of_a_lawful_deletion_is_named() -> None:
    run = a_story()
    row = UserTaskEvent.objects.get(run=run, number=6)
    position = row.position or 0

    def forge() -> None:
        UserTaskEvent.objects.filter(pk=row.pk).delete()
        PurgedEvent.objects.create(position=position, link=row.link, feed_link=row.feed_link, seal=row.link)

    assert names(after(forge)) == [f"position {row.position} of the feed"]


def test_whoever_computes_a_link_without_the_key_is_found_out(settings: LazySettings) -> None:
    run = a_story()
    row, before = (UserTaskEvent.objects.get(run=run, number=number) for number in (3, 2))
    settings.AUDIT_KEY = "a guess"
    row.actor = "mallory"
    row.link = chain.link_of_event(row, before.link)
    settings.AUDIT_KEY = ""
    assert names(after(row.save))[0] == event(run, 3)


def test_a_run_whose_version_was_set_back_is_named() -> None:
    run = a_story()
    told = after(lambda: sql("UPDATE usertasks_usertaskrun SET version = 2 WHERE id = %s", run.pk))
    assert names(told) == [f"run {run.id.hex}"]


def test_an_event_that_was_put_in_is_named() -> None:
    run = a_story()

    def put_in() -> None:
        UserTaskEvent.objects.filter(run=run, number=6).update(number=7)
        made_up = UserTaskEvent.objects.get(run=run, number=5)
        made_up.pk, made_up.number, made_up.position, made_up.feed_link = None, 6, None, ""
        made_up.save()

    assert event(run, 6) in names(after(put_in))


def some_refusals(count: int = 3) -> None:
    run = a_run()
    for _ in range(count):
        with suppress(Refused):
            operations.claim(run.id, by=Actor("mallory"))
    assert report().is_intact


@pytest.mark.parametrize("position", [1, 2, 3])
def test_a_refusal_that_was_changed_or_deleted_is_named(position: int) -> None:
    some_refusals()
    for change in ("actor = 'alice'", "code = 'stale'", "run_id = NULL", "link = ''", "redaction = link"):
        told = after(partial(sql, f"UPDATE {REFUSALS} SET {change} WHERE position = %s", position))
        assert names(told)[0] == f"refusal {position}"
    assert names(after(lambda: sql(f"DELETE FROM {REFUSALS} WHERE position = %s", position))) == [f"refusal {position}"]


def test_refusals_that_claim_to_have_been_purged_are_missed() -> None:
    some_refusals()

    def cut() -> None:
        second = Refusal.objects.get(position=2)
        Refusal.objects.filter(position__lte=2).delete()
        FeedHead.objects.update(
            refusals_begin_after=2, refusals_begin_link=second.link, refusals_begin_seal=second.link
        )

    assert names(after(cut)) == ["refusal 2"]


def test_an_end_that_was_cut_off_all_through_is_told_by_an_anchor() -> None:
    run = a_story()
    anchor = report().anchor
    last, end = (UserTaskEvent.objects.get(run=run, number=number) for number in (5, 6))

    def cut() -> None:
        run.comments.get(number=3).delete()
        UserTaskEvent.objects.filter(pk=end.pk).delete()
        FeedHead.objects.update(position=last.position, link=last.feed_link)

    assert after(cut).is_intact

    with transaction.atomic():
        cut()
        told = verify(end.time, anchor=anchor)
        transaction.set_rollback(True)
    assert names(told) == [f"position {end.position} of the feed"]
    operations.add_comment(run.id, "more", by=ALICE)
    assert verify(end.time, anchor=anchor).is_intact


def test_the_heads_are_held_to_what_they_were() -> None:
    a_story()
    assert names(after(lambda: FeedHead.objects.update(link="00"))) == ["the heads of the chains"]
    assert names(after(lambda: FeedHead.objects.all().delete())) == ["the heads of the chains"]


def test_keys_of_before_still_verify_what_they_signed(settings: LazySettings) -> None:
    run = a_story()
    settings.AUDIT_KEY, settings.AUDIT_KEY_FALLBACKS = "another one", [settings.SECRET_KEY]
    operations.add_comment(run.id, "signed with the other key", by=ALICE)
    some_refusals()
    settings.AUDIT_KEY_FALLBACKS = []
    assert not report().is_intact


def test_a_key_that_verifies_nothing_is_told_from_tampering(settings: LazySettings) -> None:
    a_story()
    settings.AUDIT_KEY = "another one"
    assert report().is_key_unknown
    with pytest.raises(CommandError, match="AUDIT_KEY"):
        call_command("verify_audit", stdout=io.StringIO())


def test_what_was_not_published_is_verified_as_well() -> None:
    run = operations.claim(a_run().id, by=ALICE)
    changed(run, 2, "actor = 'bob'")()
    assert names(report()) == [event(run, 2)]


def test_the_command_says_what_it_read_and_names_the_first() -> None:
    run = a_story()
    out = io.StringIO()
    call_command("verify_audit", stdout=out)
    assert "6 events" in out.getvalue()
    for number in (5, 3):
        changed(run, number, "actor = 'mallory'")()
    with pytest.raises(CommandError, match=rf"^run {run.id.hex}, event 3: .*Findings in all: 2"):
        call_command("verify_audit", stdout=out)


def test_the_command_looks_at_one_run_and_speaks_json() -> None:
    run, other = a_story(), a_story()
    changed(other, 2, "actor = 'mallory'")()
    out = io.StringIO()
    call_command("verify_audit", run=str(run.id), json=True, stdout=out)
    told = json.loads(out.getvalue())
    assert (told["intact"], told["events"], told["runs"]) == (True, 6, 1)
    out = io.StringIO()
    with pytest.raises(CommandError):
        call_command("verify_audit", json=True, stdout=out)
    assert json.loads(out.getvalue())["findings"][0]["run_id"] == other.id.hex
    for wrong in ({"run": "x"}, {"run": "0" * 32}, {"anchor": "x"}):
        with pytest.raises(CommandError):
            call_command("verify_audit", **wrong)


def test_everything_that_the_operations_write_is_intact() -> None:
    run = a_run(user_id="alice")
    operations.complete(run.id, {"requestedItem": "\u00e9\U0001f600", "justification": '"\\'}, by=ALICE)
    operations.add_comment(run.id, "done", by=ALICE)
    with suppress(Refused):
        operations.cancel(run.id, by=ENGINE)
    assert report().is_intact
