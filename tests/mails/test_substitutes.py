"""While somebody stands in for a person, what that person would be mailed about their tasks reaches both."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.utils import timezone

from tests.cast import a_run, claimed_by
from tests.mails.servers import Postbox
from tests.mails.test_notifications import choose, told
from usertasks import operations
from usertasks.actors import actor_for
from usertasks.mails import Mails
from usertasks.models import MailKind, Substitution
from usertasks.reminders import concerned
from usertasks.worker import work_off

pytestmark = pytest.mark.django_db
NOW = timezone.now()
DAY = timedelta(days=1)


def standing_in(begins: timedelta = -DAY) -> Substitution:
    """Charlie for alice."""
    period = {"starts_at": NOW + begins, "ends_at": NOW + 2 * DAY}
    return Substitution.objects.create(user_id="alice", substitute_id="charlie", named_by="alice", **period)


def test_both_are_told_of_a_task_and_of_a_comment(alice: User, bob: User, charlie: User) -> None:
    standing_in()
    run = a_run(user_id="alice")
    assert told() == [("alice", MailKind.ASSIGNED), ("charlie", MailKind.ASSIGNED)]
    operations.add_comment(run.id, "Hello", by=actor_for(bob))
    assert told() == [("alice", MailKind.COMMENT), ("charlie", MailKind.COMMENT)]


def test_nobody_else_is_told_before_it_begins(alice: User, charlie: User) -> None:
    standing_in(begins=DAY)
    a_run(user_id="alice")
    assert told() == [("alice", MailKind.ASSIGNED)]


def test_a_substitute_chooses_for_themselves(alice: User, charlie: User) -> None:
    standing_in()
    choose(charlie, assigned=False)
    a_run(user_id="alice")
    assert told() == [("alice", MailKind.ASSIGNED)]


def test_a_substitute_is_not_told_of_what_they_did_themselves(alice: User, charlie: User) -> None:
    standing_in()
    operations.add_comment(claimed_by(alice).id, "Done soon", by=actor_for(charlie))
    assert told() == [("alice", MailKind.COMMENT)]


def test_both_are_reminded(alice: User, bob: User, charlie: User) -> None:
    standing_in()
    assert {user.username for user in concerned(claimed_by(alice), NOW)} == {"alice", "charlie"}
    assert {user.username for user in concerned(claimed_by(bob), NOW)} == {"bob"}


def test_the_mail_says_for_whom_they_stand_in(alice: User, charlie: User, postbox: Postbox) -> None:
    standing_in()
    a_run(user_id="alice")
    told()
    work_off([Mails()], timezone.now())
    subjects = {mail["To"]: mail["Subject"] for mail in postbox.messages}
    assert subjects["alice@example.com"].startswith("Assigned to you")
    assert subjects["charlie@example.com"].startswith("Assigned to alice")


def test_no_mail_is_sent_to_whoever_does_not_stand_in_any_more(alice: User, charlie: User, postbox: Postbox) -> None:
    row = standing_in()
    a_run(user_id="alice")
    told()
    row.delete()
    work_off([Mails()], timezone.now())
    assert [mail["To"] for mail in postbox.messages] == ["alice@example.com"]
