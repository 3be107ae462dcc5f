"""`send-reminder`: who is reminded, and of what."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.contrib.auth.models import User

from tests.cast import a_run, claimed_by
from tests.mails.servers import Postbox
from usertasks import operations
from usertasks.actors import actor_for
from usertasks.content import run_content
from usertasks.json_text import as_json
from usertasks.mails import Mails
from usertasks.models import Mail, MailChoice, MailKind, MailState, UserTaskRun
from usertasks.reminders import MAX_TEXT, send_reminder
from usertasks.worker import TaskHooks, work_off

pytestmark = pytest.mark.django_db

LATER = timedelta(hours=1)


def remind(text: Any = "Please!") -> list[dict[str, Any]]:
    task = {"task_def_name": "send-reminder", "variables": {"text": text}}
    return [{"hook": "ON_ARRIVAL", "delay_seconds": 3600, "task": task}]


def reminded(run: UserTaskRun, variables: Any = None, key: str = "hook:1") -> set[str]:
    """Who has a reminder after the task was run."""
    send_reminder.call(run=as_json(run_content(run)), variables=variables or {}, key=key)
    return set(Mail.objects.filter(kind=MailKind.REMINDER).values_list("user__username", flat=True))


def test_the_owner_is_reminded_when_it_is_time(alice: User, bob: User, postbox: Postbox) -> None:
    run = a_run(user_id="alice", actions=remind("The council waits."))
    work_off([TaskHooks(), Mails()], run.scheduled_time + LATER)
    assert postbox.recipients == ["alice@example.com"] * 2
    [reminder] = [message for message in postbox.messages if message["Subject"] == "Reminder: It request"]
    assert "The council waits." in reminder.get_body(("plain",)).get_content()  # type: ignore[union-attr]


def test_the_members_of_the_group_are_reminded_while_nobody_has_the_task(
    alice: User, bob: User, charlie: User, postbox: Postbox
) -> None:
    run = a_run(actions=remind())
    work_off([TaskHooks(), Mails()], run.scheduled_time + LATER)
    assert sorted(postbox.recipients) == ["alice@example.com", "bob@example.com"]


def test_a_reminder_goes_to_whoever_has_the_task_when_the_task_is_run(alice: User, bob: User) -> None:
    before = a_run()
    operations.claim(before.id, by=actor_for(alice))
    assert reminded(before) == {"alice"}


def test_nobody_is_reminded_of_what_has_ended_or_is_gone(alice: User, mona: User) -> None:
    run = a_run(user_id="alice")
    operations.cancel(run.id, by=actor_for(mona))
    assert reminded(run) == set()
    assert reminded(UserTaskRun(id=uuid4(), user_id="alice", scheduled_time=run.scheduled_time)) == set()


def test_the_same_reminder_again_mails_nobody_twice(alice: User, bob: User) -> None:
    run = a_run()
    assert reminded(run) == reminded(run) == {"alice", "bob"}
    assert Mail.objects.count() == 2
    reminded(run, key="hook:2")
    assert Mail.objects.count() == 4


def test_whoever_wants_no_reminders_gets_none(alice: User, bob: User) -> None:
    MailChoice.objects.create(user=alice, reminder=False)
    assert reminded(a_run()) == {"bob"}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("Please!", "Please!"),
        (None, ""),
        (3, "3"),
        (True, "true"),
        ({"a": ["é"]}, '{"a": ["é"]}'),
        ("x" * 5000, "x" * MAX_TEXT),
    ],
)
def test_the_text_of_a_reminder_may_be_any_json_value(alice: User, text: Any, said: str) -> None:
    reminded(claimed_by(alice), {"text": text})
    assert Mail.objects.get().content == {"text": said}


def test_a_reminder_is_not_sent_when_the_task_was_done_meanwhile(alice: User, mona: User, postbox: Postbox) -> None:
    run = claimed_by(alice)
    reminded(run)
    operations.cancel(run.id, by=actor_for(mona))
    work_off([Mails()], run.scheduled_time + LATER)
    assert Mail.objects.get().state == MailState.SKIPPED
    assert postbox.messages == []
