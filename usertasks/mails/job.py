"""Sending: the job of the worker that brings mails to the mail server, each at most once.

`is_handed_over` is committed before the server gets a mail, and taken back only when the server has refused it. What
went wrong before is tried again; what went wrong afterwards, with nobody knowing how far it came, is not.
"""

from __future__ import annotations

import smtplib
import threading
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.core.mail import EmailMultiAlternatives, mailers
from django.core.mail.backends.base import BaseEmailBackend
from django.core.mail.backends.smtp import EmailBackend
from django.db import close_old_connections, connection

from ..models import Mail, MailState
from ..worker import LEASE_SECONDS, Item, log
from .letters import Letter, letters_of
from .messages import message_of
from .verdicts import Undeliverable, delay_after, verdict_on

MAILS_AT_ONCE = 8
"""In one worker: a mail server that hangs does not keep all its threads."""


class LeaseLost(Exception):
    """Another worker has the mail by now."""


@dataclass
class Mails:
    """Sends the mails that are due."""

    name: str = "mail"
    being_sent: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)

    def take(self, now: datetime, limit: int) -> Sequence[Item]:
        """Lease some, settle those that are not to be sent (again), and say what the others say."""
        room = min(limit, MAILS_AT_ONCE - self.being_sent)
        while room > 0 and (leased := Mail.objects.due(now).lease(now, seconds=LEASE_SECONDS, limit=room)):
            if items := _items(leased, now):
                self._count(len(items))
                return items
        return []

    def perform(self, item: Item) -> bool:
        try:
            send(mail_of(item), item.work)
        finally:
            self._count(-1)
        return True

    def settle(self, item: Item, result: Any, now: datetime) -> None:
        mail = Mail.objects.pending().still_leased(mail_of(item)).first()
        if mail is None:
            log("mail_lost", mail=item.row.pk)
            return
        verdict = verdict_on(result, is_handed_over=mail.is_handed_over, attempts=mail.attempts)
        if verdict.state == MailState.PENDING:
            _put_off(mail, verdict.error, now)
        else:
            _settle(mail, verdict.state, verdict.error, now)

    def _count(self, change: int) -> None:
        with self.lock:
            self.being_sent += change


def mail_of(item: Item) -> Mail:
    assert isinstance(item.row, Mail)
    return item.row


def _items(leased: Sequence[Mail], now: datetime) -> list[Item]:
    for mail in leased:
        if mail.is_handed_over:  # whoever had it before has died, or is too slow to say what became of it
            _settle(mail, MailState.UNCERTAIN, "The worker that was sending it has not come back.", now)
    items = []
    for mail, letter in letters_of([mail for mail in leased if not mail.is_handed_over]):
        if isinstance(letter, Letter):
            items.append(Item(mail, letter))
        else:
            _settle(mail, MailState.SKIPPED, letter.value, now)
    return items


def send(mail: Mail, letter: Letter) -> None:
    """One mail to the mail server, with a connection of its own. Whatever it raises is for `verdict_on`."""
    message = message_of(letter)
    mailer = mailers.default
    try:
        _require_sendable(message, mailer)
        mailer.open()
        _greet(mailer)
        _hand_over(mail)
        mailer.send_messages([message])
    finally:
        with suppress(OSError):  # a farewell that fails changes nothing
            mailer.close()


def _require_sendable(message: EmailMultiAlternatives, mailer: BaseEmailBackend) -> None:
    """Find out what is wrong with a message or its address while nothing has happened yet. Raises `Undeliverable`."""
    try:
        message.message()
        if isinstance(mailer, EmailBackend):
            mailer.prep_address(message.to[0])
    except ValueError as problem:
        raise Undeliverable(str(problem)) from problem


def _greet(mailer: BaseEmailBackend) -> None:
    """Have an SMTP server answer once more: one that accepts connections and then says nothing is found out here."""
    if isinstance(mailer, EmailBackend) and isinstance(mailer.connection, smtplib.SMTP):
        mailer.connection.ehlo_or_helo_if_needed()


def _hand_over(mail: Mail) -> None:
    """Commit that the server is about to get it. Raises `LeaseLost`: then somebody else sends it, or has sent it."""
    mine = Mail.objects.pending().still_leased(mail).filter(is_handed_over=False)
    is_mine = mine.update(is_handed_over=True) == 1
    if not connection.in_atomic_block:  # sending may take its time, and others want the connection to the database
        close_old_connections()
    if not is_mine:
        raise LeaseLost(f"mail {mail.pk}")


def _settle(mail: Mail, state: MailState, error: str, now: datetime) -> None:
    Mail.objects.still_leased(mail).update(state=state, settled_at=now, error=error)
    log("mail", mail=mail.pk, kind=mail.kind, state=state, attempt=mail.attempts)


def _put_off(mail: Mail, error: str, now: datetime) -> None:
    at = now + delay_after(mail.attempts)
    Mail.objects.still_leased(mail).update(is_handed_over=False, next_attempt_at=at, error=error)
    log("mail_failed", mail=mail.pk, kind=mail.kind, attempt=mail.attempts, error=error.partition(":")[0])
