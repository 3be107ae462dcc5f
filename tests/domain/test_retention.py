"""What ended long ago is deleted or made anonymous, all of it, in batches, and the audit stays intact."""

from __future__ import annotations

import io
from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.auth.models import User
from django.core.files.storage import default_storage
from django.core.management import CommandError, call_command
from django.db import transaction
from django.test import Client
from django.utils import timezone

from tests.audit.histories import names, report, sql
from tests.cast import ENGINE, a_run, claimed_by, done_by, token_of
from usertasks import drafts, operations, uploads
from usertasks.actors import Actor, Door, Origin, actor_for
from usertasks.audit import seal
from usertasks.drafts import Writing
from usertasks.errors import Refused
from usertasks.models import (
    ApiToken,
    BulkChange,
    Delivery,
    Draft,
    FeedHead,
    Mail,
    MailState,
    PurgedEvent,
    Refusal,
    Status,
    Substitution,
    Upload,
    UserTaskComment,
    UserTaskEvent,
    UserTaskRun,
    WebhookEndpoint,
)
from usertasks.redaction import ANONYMOUS
from usertasks.retention import left_beside, old_rows, purge_refusals, purge_runs

pytestmark = pytest.mark.django_db

EVERYTHING_OLD = {"older_than": "0h"}


def purge(**options: Any) -> str:
    out = io.StringIO()
    call_command("purge", **{**EVERYTHING_OLD, **options}, stdout=out, stderr=io.StringIO())
    return out.getvalue()


def an_ended_run(alice: User, **more: Any) -> UserTaskRun:
    """Done by alice, with everything that can belong to a run."""
    actor = actor_for(alice, origin=Origin(Door.PAGE, "192.0.2.7"))
    run = claimed_by(
        alice,
        notes="for alice",
        excluded_user_ids=["bob"],
        actions=[{"hook": "ON_ARRIVAL", "delay_seconds": 60, "cancel": {}}],
        **more,
    )
    now = timezone.now()
    drafts.write(run.id, Writing({"answer-requestedItem": ["half"]}), by=actor, now=now)
    uploads.put(run.id, "requestedItem", "portrait.png", b"content", user_id="alice", now=now)
    operations.save_progress(run.id, {"requestedItem": "lightsaber"}, by=actor)
    operations.add_comment(run.id, "blue, says alice", by=actor)
    operations.complete(run.id, {"justification": "lost"}, by=actor)
    seal(now)
    return UserTaskRun.objects.get(pk=run.pk)


def settle_deliveries() -> None:
    Delivery.objects.update(state="delivered")


def test_a_run_goes_with_everything_that_belongs_to_it_and_the_audit_is_intact(
    alice: User, admin: User, django_capture_on_commit_callbacks: Callable[..., Any]
) -> None:
    User.objects.filter(pk=alice.pk).update(email="alice@example.com")
    WebhookEndpoint.objects.create(owner=admin, url="https://example.com/")
    run, left = an_ended_run(alice), a_run()
    path = str(Upload.objects.get().content.name)
    Mail.objects.create(user=alice, run=run, kind="assigned", occasion="event:0", next_attempt_at=timezone.now())
    settle_deliveries()
    count = run.events.count()
    with django_capture_on_commit_callbacks(execute=True):
        assert "1 runs" in purge()
    assert list(UserTaskRun.objects.values_list("id", flat=True)) == [left.id]
    for model in (UserTaskComment, Draft, Upload, Mail):
        assert not model._default_manager.exists()
    assert set(Delivery.objects.values_list("run_id", flat=True)) == {left.id}
    assert not default_storage.exists(path)
    assert PurgedEvent.objects.count() == count
    assert report().is_intact
    assert names(after_deleting_a_mark()) == [f"position {PurgedEvent.objects.earliest('position').pk} of the feed"]


def after_deleting_a_mark() -> Any:
    with transaction.atomic():
        PurgedEvent.objects.filter(pk=PurgedEvent.objects.earliest("position").pk).delete()
        told = report()
        transaction.set_rollback(True)
    return told


def test_an_anonymous_run_says_what_happened_and_neither_who_nor_what(alice: User, mona: User) -> None:
    run = an_ended_run(alice)
    cancelled = operations.cancel(claimed_by(alice).id, by=actor_for(mona))
    unclaimed = operations.cancel(a_run().id, by=actor_for(mona))
    purge(anonymise=True)
    fresh = UserTaskRun.objects.get(pk=run.pk)
    assert (fresh.status, fresh.user_group, fresh.completed_at) == (Status.DONE, "finance", run.completed_at)
    assert (fresh.user_id, fresh.results, fresh.notes, fresh.actions) == (ANONYMOUS, {}, "", [])
    assert fresh.excluded_user_ids == []
    owners = UserTaskRun.objects.in_bulk([cancelled.pk, unclaimed.pk])
    assert (owners[cancelled.pk].user_id, owners[unclaimed.pk].user_id) == (ANONYMOUS, None)
    said = str(list(UserTaskEvent.objects.values())) + str(list(UserTaskComment.objects.values()))
    for word in ("alice", "mona", "lightsaber", "lost", "blue", "192.0.2.7", "bob"):
        assert word not in said
    assert list(fresh.events.values_list("type", flat=True)) == list(run.events.values_list("type", flat=True))
    assert not Draft.objects.exists()
    assert not Upload.objects.exists()
    assert report().is_intact
    assert "0 runs made anonymous" in purge(anonymise=True)
    purge()
    assert not UserTaskRun.objects.exists()
    assert report().is_intact


def test_an_anonymous_run_can_be_read_through_every_door(alice: User, admin: User) -> None:
    run = an_ended_run(alice)
    purge(anonymise=True)
    client = Client(headers={"Authorization": f"Bearer {token_of(admin)}"})
    here = f"/api/v1/user-task-runs/{run.id.hex}/"
    assert client.get(f"{here}outcome/").json() == {
        "status": "DONE",
        "output": {"requestedItem": None, "justification": None},
        "failure": None,
    }
    assert client.get(here).json()["results"] == {}
    for path in ("events/", "comments/", "explain/"):
        assert client.get(here + path).status_code == 200
    assert len(client.get("/api/v1/events/").json()["results"]) == run.events.count()
    browser = Client()
    browser.force_login(admin)
    assert browser.get(f"/inbox/tasks/{run.id}/?history=all").status_code == 200
    assert browser.get(f"/admin/usertasks/usertaskrun/{run.id}/change/").status_code == 200
    with pytest.raises(Refused):
        operations.complete(run.id, {"requestedItem": "x"}, by=actor_for(alice))


def test_young_and_open_runs_stay(alice: User, mona: User) -> None:
    young, unfinished = done_by(alice), claimed_by(alice)
    old = operations.cancel(a_run().id, by=actor_for(mona))
    seal(timezone.now())
    long_ago = timezone.now() - timedelta(days=400)
    later = timezone.now() + timedelta(days=365)
    assert sum(step.done for step in purge_runs(long_ago, now=later)) == 0
    assert purge(older_than="1h").startswith("0 runs")
    assert {young.pk, unfinished.pk, old.pk} == set(UserTaskRun.objects.values_list("pk", flat=True))
    assert sum(step.done for step in purge_runs(later, now=later)) == 2
    assert set(UserTaskRun.objects.values_list("pk", flat=True)) == {unfinished.pk}


def test_a_cancelled_run_is_as_old_as_its_end(mona: User) -> None:
    run = a_run()
    cut = timezone.now()
    operations.cancel(run.id, by=actor_for(mona))
    seal(timezone.now())
    assert sum(step.done for step in purge_runs(cut, now=cut)) == 0
    assert sum(step.done for step in purge_runs(timezone.now(), now=cut)) == 1


def test_batches_are_done_one_by_one_and_whoever_is_interrupted_goes_on(alice: User) -> None:
    for _ in range(5):
        done_by(alice)
    seal(timezone.now())
    now = timezone.now()
    steps = purge_runs(now, now=now, batch=2)
    assert next(iter(steps)).done == 2
    del steps
    assert UserTaskRun.objects.count() == 3
    assert [step.done for step in purge_runs(now, now=now, batch=2)] == [2, 1]
    assert report().is_intact


def test_what_an_endpoint_still_waits_for_stays(alice: User, admin: User) -> None:
    endpoint = WebhookEndpoint.objects.create(owner=admin, url="https://example.com/")
    done_by(alice)
    assert "1 runs were left" in purge()
    assert UserTaskRun.objects.count() == 1
    WebhookEndpoint.objects.filter(pk=endpoint.pk).update(active=False, switched_off="by_hand")
    assert "left" not in purge()
    assert not UserTaskRun.objects.exists()


def test_a_run_that_was_tampered_with_is_left_and_named(alice: User) -> None:
    run, other = done_by(alice), done_by(alice)
    seal(timezone.now())
    sql("UPDATE usertasks_usertaskevent SET actor = 'mallory' WHERE run_id = %s AND number = 1", run.pk)
    for anonymise in (True, False):
        with pytest.raises(CommandError, match=run.id.hex):
            purge(anonymise=anonymise)
    assert list(UserTaskRun.objects.values_list("pk", flat=True)) == [run.pk]
    assert names(report()) == [f"run {run.id.hex}, event 1"]
    assert not UserTaskRun.objects.filter(pk=other.pk).exists()


def refuse(times: int) -> None:
    run = a_run()
    for _ in range(times):
        with suppress(Refused):
            operations.claim(run.id, by=Actor("mallory"))
    seal(timezone.now())


def test_refusals_go_from_the_oldest_on_and_their_chain_stays_whole() -> None:
    refuse(5)
    purge(older_than="1h")
    assert Refusal.objects.count() == 5
    assert sum(purge_refusals(Refusal.objects.get(position=4).time, batch=2)) == 3
    assert report().refusals == 2
    assert report().is_intact
    purge()
    assert not Refusal.objects.exists()
    assert FeedHead.objects.get().refusals_begin_after == 5
    refuse(2)
    assert report().is_intact
    assert report().refusals == 2
    sql("UPDATE usertasks_refusal SET code = 'stale' WHERE position = 7")
    with pytest.raises(CommandError, match="refusal 7"):
        purge()
    assert names(report()) == ["refusal 7"]


def test_a_forged_beginning_of_the_refusals_is_not_gone_on_with() -> None:
    refuse(3)
    second = Refusal.objects.get(position=2)
    Refusal.objects.filter(position__lte=2).delete()
    FeedHead.objects.update(refusals_begin_after=2, refusals_begin_link=second.link)
    with pytest.raises(CommandError, match="refusal 3"):
        purge()
    assert names(report()) == ["refusal 2"]


def test_what_lies_beside_the_runs_goes_as_well(alice: User, admin: User) -> None:
    run, now = claimed_by(alice), timezone.now()
    long_ago = now - timedelta(days=400)
    WebhookEndpoint.objects.create(owner=admin, url="https://example.com/")
    for name, moment in (("old", long_ago), ("young", now)):
        mail = Mail.objects.create(
            user=alice,
            run=run,
            kind="assigned",
            occasion=name,
            next_attempt_at=now,
            state=MailState.SENT,
            settled_at=moment,
        )
        assert mail.pk
        change = BulkChange.objects.create(actor="alice", action="claim")
        BulkChange.objects.filter(pk=change.pk).update(created_at=moment)
        ApiToken.objects.create(user=alice, digest=f"{name}1", name=name, expires_at=moment)
        ApiToken.objects.create(user=alice, digest=f"{name}2", name=name, revoked_at=moment)
        Substitution.objects.create(
            user_id="alice", substitute_id=name, starts_at=moment - timedelta(days=1), ends_at=moment, named_by="alice"
        )
        entry = LogEntry.objects.create(user=admin, object_repr=name, action_flag=CHANGE)
        LogEntry.objects.filter(pk=entry.pk).update(action_time=moment)
    ApiToken.objects.create(user=alice, digest="live")
    seal(now)
    event = run.events.earliest("number")
    Delivery.objects.update(state="delivered")
    UserTaskEvent.objects.filter(pk=event.pk).update(time=long_ago)
    assert purge(older_than="365", dry_run=True) == purge(older_than="365d", dry_run=True)
    dry = purge(older_than="365d", dry_run=True)
    assert "Nothing was changed" in dry
    assert ApiToken.objects.count() == 5
    told = purge(older_than="365d")
    for amount in ("1 mails", "1 deliveries", "1 bulk changes", "2 tokens", "1 substitutions", "1 entries"):
        assert amount in told
        assert amount in dry
    assert not Delivery.objects.filter(event=event).exists()
    assert set(ApiToken.objects.values_list("name", flat=True)) == {"young", ""}
    assert set(Substitution.objects.values_list("substitute_id", flat=True)) == {"young"}


def test_a_dry_run_counts_once_what_goes_with_its_run(alice: User) -> None:
    run, now = done_by(alice), timezone.now()
    a_while_ago = now + timedelta(seconds=1)
    mail = {"user": alice, "kind": "assigned", "next_attempt_at": now, "state": MailState.SENT, "settled_at": now}
    Mail.objects.create(run=run, occasion="of a run that is purged", **mail)
    Mail.objects.create(run=claimed_by(alice), occasion="of one that is not", **mail)
    mails = old_rows(a_while_ago)["mails"]
    for anonymise in (True, False):
        assert left_beside(mails, a_while_ago, anonymise=anonymise).get().run != run


def test_what_somebody_has_typed_into_an_open_task_stays(alice: User) -> None:
    run, now = claimed_by(alice), timezone.now() - timedelta(days=400)
    drafts.write(run.id, Writing({"answer-requestedItem": ["half"]}), by=actor_for(alice), now=now)
    upload = uploads.put(run.id, "requestedItem", "a.png", b"x", user_id="alice", now=now)
    purge()
    assert Draft.objects.get().inputs
    assert Upload.objects.get() == upload


@pytest.mark.parametrize("span", ["", "365 d", "1y", "-1d", "d", "1.5d"])
def test_a_span_that_is_none_is_refused(span: str) -> None:
    with pytest.raises(CommandError, match="--older-than"):
        purge(older_than=span)


def test_an_id_that_was_purged_can_be_used_again_and_an_anonymous_one_cannot(alice: User) -> None:
    first, second = done_by(alice), done_by(alice)
    purge(anonymise=True)
    request = operations.RunRequest("it-request", id=first.id, user_group="finance")
    with pytest.raises(Refused) as refusal:
        operations.create(request, by=ENGINE)
    assert refusal.value.code == "already_exists"
    purge()
    assert operations.create(request, by=ENGINE).is_new
    assert second.id != first.id
    assert report().is_intact
