"""Mails in the admin: to be read, not changed."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from tests.admin.pages import Page, signed_in, url
from tests.cast import a_run, a_user
from usertasks.feed import publish
from usertasks.models import Mail, MailState

pytestmark = pytest.mark.django_db

MAILS = "admin:usertasks_mail_"


@pytest.fixture
def reader() -> User:
    return a_user("rita", permissions=["view_mail"], is_staff=True, email="rita@example.com")


def a_mail(reader: User) -> Mail:
    a_run(user_id=reader.username)
    publish(timezone.now())
    return Mail.objects.latest("id")


def test_the_list_says_what_became_of_each_mail(reader: User) -> None:
    mail = a_mail(reader)
    Mail.objects.filter(pk=mail.pk).update(state=MailState.DEAD, error="SMTPDataError: spam")
    client = signed_in(reader)
    text = Page(client.get(url(f"{MAILS}changelist"))).text
    for fact in ("rita", "A task is assigned to me", "Given up", "SMTPDataError: spam"):
        assert fact in text
    assert "spam" not in Page(client.get(url(f"{MAILS}changelist") + "?q=nobody")).text
    assert "spam" not in Page(client.get(url(f"{MAILS}changelist") + "?state__exact=sent")).text


def test_nobody_changes_adds_or_deletes_a_mail(admin: User, reader: User) -> None:
    mail = a_mail(reader)
    client = signed_in(admin)
    assert client.get(url(f"{MAILS}add")).status_code == 403
    assert client.post(url(f"{MAILS}delete", mail.pk), {"post": "yes"}).status_code == 403
    assert client.post(url(f"{MAILS}change", mail.pk), {"state": "sent"}).status_code == 403
    assert Mail.objects.get().state == MailState.PENDING


def test_the_list_costs_the_same_however_long_it_is(reader: User) -> None:
    client = signed_in(reader)
    costs = []
    for _ in range(2):
        a_mail(reader)
        with CaptureQueriesContext(connection) as queries:
            assert client.get(url(f"{MAILS}changelist")).status_code == 200
        costs.append(len(queries))
    assert costs[0] == costs[1]
