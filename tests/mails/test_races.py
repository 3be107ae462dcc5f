"""Several workers and one mail server: nobody gets two mails for one event."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable
from datetime import datetime, timedelta
from functools import partial

import pytest
from django.contrib.auth.models import User
from django.utils import timezone

from tests.cast import a_definition, a_run
from tests.mails.servers import Postbox
from tests.races.crowd import at_once
from usertasks.feed import publish
from usertasks.mails import Mails
from usertasks.models import Mail, MailState
from usertasks.worker import LEASE_SECONDS, Worker, perform

pytestmark = [pytest.mark.postgresql, pytest.mark.django_db(transaction=True)]

MANY = 60


@pytest.fixture
def now(alice: User, bob: User, postbox: Postbox) -> datetime:
    """When many mails to alice and bob are due."""
    definition = a_definition()
    for number in range(MANY):
        a_run(definition, user_id="alice" if number % 2 else "bob")
    now = timezone.now()
    publish(now)
    return now


def send_all(job: Mails, now: datetime) -> Callable[[], None]:
    def send() -> None:
        while items := job.take(now, 5):
            for item in items:
                job.settle(item, perform(job, item), now)

    return send


def received(postbox: Postbox) -> Counter[str]:
    """How often the server got each mail."""
    return Counter(message["Message-ID"] for message in postbox.messages)


def test_workers_share_the_mails_and_send_each_once(postbox: Postbox, now: datetime) -> None:
    at_once([send_all(Mails(), now) for _ in range(4)])
    assert len(received(postbox)) == MANY
    assert set(received(postbox).values()) == {1}
    assert set(Mail.objects.values_list("state", flat=True)) == {MailState.SENT}


def test_workers_with_the_same_lease_hand_a_mail_over_once(postbox: Postbox, now: datetime) -> None:
    """As two would have it if one had stalled for longer than its lease, and both went on at the same moment."""
    late = now + timedelta(seconds=LEASE_SECONDS)
    slow, quick = Mails(), Mails()
    taken = {item.row.pk: item for item in slow.take(now, 8)}
    Mail.objects.exclude(pk__in=taken).delete()
    pairs = [(taken[item.row.pk], item) for item in quick.take(late, 8)]
    for slow_item, quick_item in pairs:
        at_once([partial(perform, slow, slow_item), partial(perform, quick, quick_item)])
        slow.settle(slow_item, None, late)
        quick.settle(quick_item, None, late)
    assert len(pairs) == len(received(postbox)) == 8
    assert set(received(postbox).values()) == {1}


def test_running_workers_send_everything_in_their_threads(postbox: Postbox, now: datetime) -> None:
    stop = threading.Event()

    def stop_when_done() -> None:
        end = timezone.now() + timedelta(seconds=30)
        while Mail.objects.pending().exists() and timezone.now() < end:
            stop.wait(0.05)
        stop.set()

    at_once([lambda: Worker([Mails()]).run(stop), lambda: Worker([Mails()]).run(stop), stop_when_done])
    assert len(received(postbox)) == MANY
    assert set(received(postbox).values()) == {1}
