"""Sending to real mail servers, and to some that misbehave: nobody gets two mails for one event."""

from __future__ import annotations

import smtplib
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.utils import timezone

from tests.cast import a_run
from tests.mails.servers import Postbox, free_port, mailers_at, silent
from usertasks import operations
from usertasks.actors import SYSTEM, actor_for
from usertasks.feed import publish
from usertasks.mails import Mails
from usertasks.mails.verdicts import MOST_ATTEMPTS, Undeliverable, delay_after, verdict_on
from usertasks.models import Mail, MailChoice, MailState
from usertasks.worker import LEASE_SECONDS, work_off

pytestmark = pytest.mark.django_db

MINUTE = timedelta(minutes=1)
SHORT = 0.2
"""Seconds after which a test gives up a mail server."""


@pytest.fixture
def now(alice: User, postbox: Postbox) -> datetime:
    """When the mail is due that tells alice of a task."""
    a_run(user_id="alice")
    now = timezone.now()
    publish(now)
    return now


def after(now: datetime) -> Mail:
    """The one mail, once everything was done that was due at that time."""
    work_off([Mails()], now)
    return Mail.objects.get()


def test_a_mail_is_sent_once(postbox: Postbox, now: datetime) -> None:
    mail = after(now)
    assert (mail.state, mail.settled_at, mail.attempts) == (MailState.SENT, now, 1)
    after(now + 10 * MINUTE)
    assert postbox.recipients == ["alice@example.com"]


@pytest.mark.parametrize("command", ["RCPT", "DATA"])
def test_a_mail_that_is_refused_for_now_is_tried_again(postbox: Postbox, now: datetime, command: str) -> None:
    postbox.answers[command] = "451 Come back later"
    mail = after(now)
    assert (mail.state, mail.is_handed_over, mail.next_attempt_at) == (MailState.PENDING, False, now + MINUTE)
    assert "Come back later" in mail.error
    assert after(now + MINUTE).next_attempt_at == now + 3 * MINUTE
    assert after(now + 2 * MINUTE).attempts == 2
    postbox.answers.clear()
    assert after(now + 3 * MINUTE).state == MailState.SENT
    assert postbox.recipients == ["alice@example.com"]


@pytest.mark.parametrize("command", ["RCPT", "DATA"])
def test_a_mail_that_is_refused_for_good_is_given_up(postbox: Postbox, now: datetime, command: str) -> None:
    postbox.answers[command] = "550 No such user"
    mail = after(now)
    assert (mail.state, mail.settled_at) == (MailState.DEAD, now)
    assert "No such user" in mail.error
    postbox.answers.clear()
    after(now + MINUTE)
    assert postbox.recipients == []


def test_while_no_server_listens_the_mail_waits_for_about_a_day(postbox: Postbox, now: datetime, settings: Any) -> None:
    takes = settings.MAILERS
    settings.MAILERS = mailers_at(free_port())
    mail, at = after(now), now
    while mail.state == MailState.PENDING:
        assert not mail.is_handed_over
        at = mail.next_attempt_at
        mail = after(at)
    assert mail.state == MailState.DEAD
    assert "ConnectionRefusedError" in mail.error
    assert timedelta(hours=23) < at - now < timedelta(hours=25)
    settings.MAILERS = takes
    after(at + MINUTE)
    assert postbox.messages == []


@pytest.mark.parametrize("greeting", [b"", b"220 mail.example.com\r\n"])
def test_a_server_that_hangs_before_it_gets_the_mail_gets_it_later(
    postbox: Postbox, now: datetime, settings: Any, greeting: bytes
) -> None:
    takes = settings.MAILERS
    with silent(greeting) as port:
        settings.MAILERS = mailers_at(port, timeout=SHORT)
        mail = after(now)
    assert (mail.state, mail.is_handed_over, mail.next_attempt_at) == (MailState.PENDING, False, now + MINUTE)
    settings.MAILERS = takes
    assert after(now + MINUTE).state == MailState.SENT
    assert len(postbox.messages) == 1


@pytest.mark.parametrize("trouble", ["drops_after_data", "hangs_after_data"])
def test_a_mail_of_which_nobody_knows_whether_it_was_taken_is_not_sent_again(
    postbox: Postbox, now: datetime, settings: Any, trouble: str
) -> None:
    settings.MAILERS["default"]["OPTIONS"]["timeout"] = SHORT
    setattr(postbox, trouble, True)
    mail = after(now)
    assert (mail.state, mail.is_handed_over) == (MailState.UNCERTAIN, True)
    after(now + timedelta(days=1))
    assert len(postbox.messages) == 1


def test_a_worker_that_dies_before_it_hands_a_mail_over_loses_none(postbox: Postbox, now: datetime) -> None:
    assert len(Mails().take(now, 10)) == 1
    assert after(now + timedelta(seconds=LEASE_SECONDS - 1)).state == MailState.PENDING
    assert after(now + timedelta(seconds=LEASE_SECONDS)).state == MailState.SENT
    assert len(postbox.messages) == 1


def test_a_worker_that_dies_after_the_server_took_the_mail_sends_no_second_one(postbox: Postbox, now: datetime) -> None:
    job = Mails()
    [item] = job.take(now, 10)
    job.perform(item)
    mail = after(now + timedelta(seconds=LEASE_SECONDS))
    assert mail.state == MailState.UNCERTAIN
    assert len(postbox.messages) == 1


def test_a_worker_that_was_too_slow_neither_sends_nor_settles(postbox: Postbox, now: datetime) -> None:
    slow, later = Mails(), now + timedelta(seconds=LEASE_SECONDS)
    [item] = slow.take(now, 10)
    assert after(later).state == MailState.SENT
    with pytest.raises(Exception, match="mail") as problem:
        slow.perform(item)
    slow.settle(item, problem.value, later)
    assert Mail.objects.get().state == MailState.SENT
    assert len(postbox.messages) == 1


def test_one_worker_sends_only_so_many_at_once(alice: User, postbox: Postbox) -> None:
    for _ in range(20):
        a_run(user_id="alice")
    now = timezone.now()
    publish(now)
    job = Mails()
    items = [*job.take(now, 32), *job.take(now, 32)]
    assert len(items) == 8
    for item in items[:3]:
        job.settle(item, job.perform(item), now)
    assert len(job.take(now, 32)) == 3


def make_inactive(alice: User) -> None:
    User.objects.filter(pk=alice.pk).update(is_active=False)


def take_the_address(alice: User) -> None:
    User.objects.filter(pk=alice.pk).update(email="")


def switch_off(alice: User) -> None:
    MailChoice.objects.create(user=alice, assigned=False)


def cancel(alice: User) -> None:
    operations.cancel(Mail.objects.get().run_id, by=SYSTEM)  # type: ignore[arg-type]


def reassign(alice: User) -> None:
    operations.assign(Mail.objects.get().run_id, by=SYSTEM, user_id="bob", override_claim=True)  # type: ignore[arg-type]


def release(alice: User) -> None:
    operations.release(Mail.objects.get().run_id, by=actor_for(alice))  # type: ignore[arg-type]


@pytest.mark.parametrize("change", [make_inactive, take_the_address, switch_off, cancel, reassign, release])
def test_a_mail_that_nobody_needs_by_now_is_not_sent(
    alice: User, postbox: Postbox, now: datetime, change: Callable[[User], None]
) -> None:
    change(alice)
    mail = after(now)
    assert mail.state == MailState.SKIPPED
    assert mail.error
    assert postbox.messages == []


def test_a_comment_is_not_mailed_to_whoever_may_not_see_the_task_any_more(
    alice: User, bob: User, mona: User, postbox: Postbox
) -> None:
    runs = [a_run(user_id="alice") for _ in range(2)]
    work_off([Mails()], timezone.now())
    for run in runs:
        operations.add_comment(run.id, "Hello", by=actor_for(bob))
    now = timezone.now()
    publish(now)
    operations.assign(runs[0].id, by=actor_for(mona), user_id="bob", user_group="it", override_claim=True)
    operations.assign(runs[1].id, by=actor_for(mona), user_id="bob", user_group="finance", override_claim=True)
    work_off([Mails()], now)
    comments = Mail.objects.filter(kind="comment").order_by("id")
    assert [mail.state for mail in comments] == [MailState.SKIPPED, MailState.SENT]


def test_a_comment_that_was_deleted_is_not_mailed(alice: User, bob: User, postbox: Postbox) -> None:
    run = a_run(user_id="alice")
    work_off([Mails()], timezone.now())
    comment = operations.add_comment(run.id, "Hello", by=actor_for(bob))
    operations.delete_comment(run.id, comment.number, by=actor_for(bob))
    work_off([Mails()], timezone.now())
    assert Mail.objects.get(kind="comment").state == MailState.SKIPPED


def test_a_task_that_somebody_has_taken_is_not_told_to_its_group(alice: User, bob: User, postbox: Postbox) -> None:
    MailChoice.objects.create(user=alice, group=True)
    run = a_run()
    publish(timezone.now())
    operations.claim(run.id, by=actor_for(bob))
    assert after(timezone.now()).state == MailState.SKIPPED


REFUSED = smtplib.SMTPRecipientsRefused
VERDICTS: list[tuple[Any, bool, MailState]] = [
    (True, True, MailState.SENT),
    (ConnectionRefusedError(), False, MailState.PENDING),
    (TimeoutError(), False, MailState.PENDING),
    (smtplib.SMTPAuthenticationError(535, b"no"), False, MailState.PENDING),
    (ZeroDivisionError(), False, MailState.PENDING),
    (Undeliverable("no address"), False, MailState.DEAD),
    (smtplib.SMTPNotSupportedError("SMTPUTF8"), True, MailState.DEAD),
    (smtplib.SMTPSenderRefused(421, b"busy", "a"), True, MailState.PENDING),
    (REFUSED({"a": (450, b"grey")}), True, MailState.PENDING),
    (REFUSED({"a": (550, b"no")}), True, MailState.DEAD),
    (smtplib.SMTPDataError(554, b"spam"), True, MailState.DEAD),
    (smtplib.SMTPDataError(-1, b"garbage"), True, MailState.UNCERTAIN),
    (REFUSED({}), True, MailState.UNCERTAIN),
    (smtplib.SMTPServerDisconnected("gone"), True, MailState.UNCERTAIN),
    (TimeoutError(), True, MailState.UNCERTAIN),
    (ZeroDivisionError(), True, MailState.UNCERTAIN),
]


@pytest.mark.parametrize(("result", "is_handed_over", "state"), VERDICTS)
def test_what_an_attempt_amounts_to(result: Any, is_handed_over: bool, state: MailState) -> None:
    assert verdict_on(result, is_handed_over=is_handed_over, attempts=1).state == state


def test_delays_grow_to_an_hour_and_attempts_end() -> None:
    assert [delay_after(attempts) / MINUTE for attempts in (1, 2, 3, 6, 7, 1000)] == [1, 2, 4, 32, 60, 60]
    refusal = verdict_on(TimeoutError(), is_handed_over=False, attempts=MOST_ATTEMPTS)
    assert refusal.state == MailState.DEAD


def test_what_a_server_says_is_kept_as_every_database_can() -> None:
    error = verdict_on(smtplib.SMTPDataError(554, b"\0\xff" * 2000), is_handed_over=True, attempts=1).error
    assert "\0" not in error
    assert len(error) <= 1000
