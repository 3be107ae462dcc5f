"""Who is told by mail of what."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.management import call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from tests.cast import FINANCE, a_definition, a_run, claimed_by
from usertasks import operations
from usertasks.actors import actor_for
from usertasks.feed import publish
from usertasks.models import Mail, MailChoice, MailKind, UserTaskEvent
from usertasks.notifications import mails_about

pytestmark = pytest.mark.django_db

NOW = timezone.now()


def told(now: datetime = NOW) -> list[tuple[str, str]]:
    """(who, kind) of the mails about what has not been published yet."""
    newest = Mail.objects.order_by("-id").values_list("id", flat=True).first() or 0
    publish(now)
    return [(mail.user.username, mail.kind) for mail in Mail.objects.filter(id__gt=newest).order_by("user__username")]


def choose(user: User, **choice: bool) -> None:
    MailChoice.objects.update_or_create(user=user, defaults=choice)


def test_who_gets_a_task_from_somebody_else_is_told(alice: User, bob: User, mona: User) -> None:
    run = a_run(user_id="alice")
    assert told() == [("alice", MailKind.ASSIGNED)]
    operations.assign(run.id, by=actor_for(mona), user_id="bob", override_claim=True)
    assert told() == [("bob", MailKind.ASSIGNED)]


def test_who_takes_a_task_is_not_told(alice: User, bob: User, mona: User) -> None:
    claimed_by(alice)
    operations.assign(a_run().id, by=actor_for(mona), user_id="mona")
    assert told() == []


def test_what_a_service_does_for_somebody_is_not_told_to_them(alice: User, service: User) -> None:
    results = {"requestedItem": "lightsaber", "justification": "lost the old one"}
    operations.complete(a_run().id, results, by=actor_for(service), user_id="alice")
    assert "assigned" in UserTaskEvent.objects.values_list("type", flat=True)
    assert told() == []


def test_another_group_of_the_same_owner_is_nobodys_news(alice: User, mona: User) -> None:
    run = a_run(user_id="alice")
    told()
    operations.assign(run.id, by=actor_for(mona), user_id="alice", user_group="it", override_claim=True)
    assert told() == []


def test_the_group_is_told_only_where_somebody_has_asked_for_it(alice: User, bob: User, charlie: User) -> None:
    choose(bob, group=True)
    choose(charlie, group=True)
    a_run()
    assert told() == [("bob", MailKind.GROUP)]


def test_each_group_is_told_of_its_own_tasks(alice: User, bob: User, charlie: User) -> None:
    for user in (alice, charlie):
        choose(user, group=True)
    a_run()
    a_run(user_group="it")
    assert told() == [("alice", MailKind.GROUP), ("charlie", MailKind.GROUP)]


def test_whoever_releases_a_task_is_not_told_that_it_waits(alice: User, bob: User) -> None:
    run = claimed_by(alice)
    told()
    for user in (alice, bob):
        choose(user, group=True)
    operations.release(run.id, by=actor_for(alice))
    assert told() == [("bob", MailKind.GROUP)]


def test_a_task_that_goes_on_waiting_is_no_news(alice: User, mona: User) -> None:
    choose(alice, group=True)
    run = a_run()
    told()
    operations.assign(run.id, by=actor_for(mona), user_group=FINANCE)
    assert told() == []
    operations.assign(run.id, by=actor_for(mona), user_group="it")
    operations.assign(run.id, by=actor_for(mona), user_group=FINANCE)
    assert told() == [("alice", MailKind.GROUP)]


def test_the_owner_is_told_of_comments_of_others(alice: User, bob: User) -> None:
    run = claimed_by(alice)
    told()
    operations.add_comment(run.id, "Mine", by=actor_for(alice))
    assert told() == []
    operations.add_comment(run.id, "Yours", by=actor_for(bob))
    assert told() == [("alice", MailKind.COMMENT)]
    operations.release(run.id, by=actor_for(alice))
    operations.add_comment(run.id, "Nobody's", by=actor_for(bob))
    assert told() == []


@pytest.mark.parametrize("kind", [MailKind.ASSIGNED, MailKind.COMMENT])
def test_what_somebody_has_switched_off_is_not_mailed_to_them(alice: User, bob: User, kind: MailKind) -> None:
    choose(alice, **{kind.value: False})
    run = a_run(user_id="alice")
    operations.add_comment(run.id, "Hello", by=actor_for(bob))
    assert told() == [("alice", other) for other in (MailKind.ASSIGNED, MailKind.COMMENT) if other != kind]


def test_nobody_is_mailed_without_an_active_account_and_an_address(alice: User, bob: User) -> None:
    User.objects.filter(pk=alice.pk).update(email="")
    User.objects.filter(pk=bob.pk).update(is_active=False)
    for user_id in ("alice", "bob", "somebody-else"):
        a_run(user_id=user_id)
    assert told() == []


def test_an_event_that_is_published_twice_is_mailed_once(alice: User) -> None:
    a_run(user_id="alice")
    told()
    UserTaskEvent.objects.update(position=None)
    assert publish(NOW) == 1
    assert Mail.objects.count() == 1


def test_a_batch_of_events_costs_three_queries_and_one_that_concerns_nobody_costs_none(alice: User, bob: User) -> None:
    choose(bob, group=True)
    definition = a_definition()
    for _ in range(20):
        a_run(definition, user_id="alice")
        operations.add_comment(a_run(definition).id, "Nobody's", by=actor_for(bob))
    events = list(UserTaskEvent.objects.select_related("run"))
    with CaptureQueriesContext(
        connection,
    ) as queries:
        assert len(list(mails_about(events, NOW))) == 40
    assert len(queries) == 3
    with CaptureQueriesContext(connection) as queries:
        assert list(mails_about([event for event in events if event.type == "comment_added"], NOW)) == []
    assert len(queries) == 0


def test_the_demo_begins_quietly_and_its_people_have_addresses(settings: Any) -> None:
    settings.DEBUG = True
    call_command("load_demo")
    assert Mail.objects.exists()
    assert not Mail.objects.pending().exists()
    a_run(user_id="obiwan", user_group="jedi-temple")
    call_command("load_demo")
    publish(NOW)
    assert Mail.objects.pending().get().user.email == "obiwan@example.com"


def test_an_account_of_the_demo_that_has_no_address_gets_one(settings: Any) -> None:
    settings.DEBUG = True
    call_command("load_demo")
    User.objects.filter(username="yoda").update(email="")
    User.objects.filter(username="anakin").update(email="vader@example.com")
    call_command("load_demo")
    addresses = dict(User.objects.values_list("username", "email"))
    assert (addresses["yoda"], addresses["anakin"]) == ("yoda@example.com", "vader@example.com")
