"""`manage.py load_demo`: people, definitions and runs to try the system with."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from ... import demo
from ...feed import publish
from ...models import Mail, MailState, UserTaskRun


class Command(BaseCommand):
    help = "Load the demo: people with the password 'demo', definitions, and runs of each. What is there is kept."

    def handle(self, *args: Any, **options: Any) -> None:
        if not settings.DEBUG:
            raise CommandError("The demo's passwords are public: it is only loaded where DEBUG is on (DEBUG=true).")
        now, is_first = timezone.now(), not UserTaskRun.objects.exists()
        demo.load(now)
        if is_first:
            _mail_nobody_about_it(now)


def _mail_nobody_about_it(now: datetime) -> None:
    """What the demo begins with is its past: the first mails are about what whoever tries it does."""
    publish(now)
    Mail.objects.pending().update(state=MailState.SKIPPED, settled_at=now, error="the demo begins with it")
