"""How mails read, and what nobody can smuggle into them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.utils import timezone

from tests.cast import a_definition, a_run, claimed_by
from tests.mails.servers import Postbox
from usertasks import operations
from usertasks.actors import Actor, actor_for
from usertasks.mails import Mails
from usertasks.mails.messages import one_line
from usertasks.models import Mail, MailChoice, MailKind, MailState, UserTaskField, UserTaskRun
from usertasks.worker import work_off

pytestmark = pytest.mark.django_db

NASTY = "x\r\nBcc: everybody@example.com\n\nHello\u2028<script>alert(1)</script>\x1b & \u202e\x85é"
DUE = datetime(2031, 5, 4, 14, 30, tzinfo=UTC)


def sent(postbox: Postbox) -> Any:
    """The one mail that the server has got."""
    work_off([Mails()], timezone.now() + timedelta(seconds=1))
    [message] = postbox.messages
    return message


def parts(message: Any) -> tuple[str, str]:
    """(text, HTML)"""
    return (message.get_body(("plain",)).get_content(), message.get_body(("html",)).get_content())


def address_of(run: UserTaskRun) -> str:
    return f"https://tasks.example.com/inbox/tasks/{run.id.hex}/"


def test_a_mail_says_in_text_and_html_what_the_task_is_and_leads_to_it(alice: User, postbox: Postbox) -> None:
    run = a_run(user_id="alice", notes="For the mission to Naboo.", due_at=DUE)
    message = sent(postbox)
    assert message["Subject"] == "Assigned to you: It request"
    assert (message["To"], message["From"]) == ("alice@example.com", "usertasks@example.com")
    text, html = parts(message)
    for body in (text, html):
        for fact in ("It request", "engine", "For the mission to Naboo.", "4 May 2031, 14:30 UTC", address_of(run)):
            assert fact in body
    assert f'href="{address_of(run)}"' in html
    assert html.count("Open the task") == 1
    assert html.startswith("<!doctype html>")
    assert text.startswith("Assigned to you by engine.")


def test_the_headers_say_that_no_person_wrote_it_and_where_to_switch_it_off(alice: User, postbox: Postbox) -> None:
    run = a_run(user_id="alice")
    message, mail = sent(postbox), Mail.objects.get()
    made = int(mail.created_at.timestamp())
    assert message["Message-ID"] == f"<usertasks.mail.{mail.pk}.{made}@tasks.example.com>"
    assert message["References"] == f"<usertasks.run.{run.id.hex}@tasks.example.com>"
    assert message["Auto-Submitted"] == "auto-generated"
    assert message["List-Unsubscribe"] == "<https://tasks.example.com/inbox/notifications/>"


def test_a_mail_holds_no_answers(alice: User, bob: User, postbox: Postbox) -> None:
    run = claimed_by(alice)
    operations.save_progress(run.id, {"requestedItem": "a secret"}, by=actor_for(alice))
    operations.add_comment(run.id, "Are you sure?", by=actor_for(bob))
    message = sent(postbox)
    assert message["Subject"] == "bob commented: It request"
    for body in parts(message):
        assert "Are you sure?" in body
        assert "a secret" not in body


def test_a_comment_is_mailed_as_it_reads_by_then(alice: User, bob: User, postbox: Postbox) -> None:
    comment = operations.add_comment(claimed_by(alice).id, "My password is x", by=actor_for(bob))
    operations.edit_comment(comment.run_id, comment.number, "Oops", by=actor_for(bob))
    text, html = parts(sent(postbox))
    assert "Oops" in text
    assert "password" not in text + html


def test_a_task_of_a_group_says_which(alice: User, postbox: Postbox) -> None:
    MailChoice.objects.create(user=alice, group=True)
    a_run()
    message = sent(postbox)
    assert message["Subject"] == "New in finance: It request"
    assert "your group finance" in parts(message)[0]


def test_who_acts_for_somebody_is_named_with_them(alice: User, bob: User, service: User, postbox: Postbox) -> None:
    operations.add_comment(claimed_by(alice).id, "Hello", by=actor_for(service), user_id="bob")
    assert sent(postbox)["Subject"] == "service for bob commented: It request"


def test_a_webhook_endpoint_that_was_switched_off_is_told_of_whatever_was_chosen(alice: User, postbox: Postbox) -> None:
    MailChoice.objects.create(user=alice, assigned=False, reminder=False, comment=False)
    content = {"url": "https://receiver.example.com/", "reason": "it answered 410 Gone"}
    Mail.objects.create(
        user=alice, kind=MailKind.ENDPOINT, occasion="endpoint:1", content=content, next_attempt_at=timezone.now()
    )
    message = sent(postbox)
    assert message["Subject"] == "Webhook endpoint switched off: https://receiver.example.com/"
    assert message["List-Unsubscribe"] is None
    for body in parts(message):
        assert "it answered 410 Gone" in body
        assert "https://tasks.example.com/admin/" in body


@pytest.mark.parametrize("kind", ["assigned", "group", "comment"])
def test_nobody_smuggles_headers_or_markup_into_a_mail(alice: User, postbox: Postbox, kind: str) -> None:
    definition = a_definition("nasty", [UserTaskField(name="x", type="STR")])
    if kind == "group":
        group = alice.groups.get()
        group.name = NASTY
        group.save()
        MailChoice.objects.create(user=alice, group=True)
        a_run(definition, user_group=NASTY, notes=NASTY)
    else:
        run = a_run(definition, user_id="alice", notes=NASTY)
        nasty = Actor(NASTY, permissions=frozenset({"view_usertaskrun", "assign_usertaskrun"}))
        MailChoice.objects.create(user=alice, assigned=kind == "assigned")
        if kind == "comment":
            operations.add_comment(run.id, NASTY, by=nasty)
    message = sent(postbox)
    assert postbox.recipients == ["alice@example.com"]
    assert message["Bcc"] is None
    assert message["Subject"].isprintable()
    assert len(message["Subject"]) <= 150
    assert message.get_content_type() == "multipart/alternative"
    text, html = parts(message)
    assert "<script>" in text
    assert "<script>" not in html
    assert "&lt;script&gt;" in html


@pytest.mark.parametrize("address", ["a@example.com\nBcc: everybody@example.com", "a@b, c@d", "@", "älice@x.example"])
def test_an_address_that_is_none_is_given_up_and_troubles_nobody_else(
    alice: User, bob: User, postbox: Postbox, address: str
) -> None:
    User.objects.filter(pk=alice.pk).update(email=address)
    a_run(user_id="alice")
    a_run(user_id="bob")
    work_off([Mails()], timezone.now() + timedelta(seconds=1))
    assert postbox.recipients == ["bob@example.com"]
    assert Mail.objects.get(user=alice).state == MailState.DEAD


def test_a_line_has_no_breaks_and_nothing_that_cannot_be_seen() -> None:
    assert one_line(" a\r\n\tb\x0b\x85\u2028c\x1b\u202e d\0 ") == "a b c d"
