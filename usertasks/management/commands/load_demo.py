"""`manage.py load_demo`: people, definitions and runs to try the system with."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from ... import demo


class Command(BaseCommand):
    help = "Load the demo: people with the password 'demo', definitions, and runs of each. What is there is kept."

    def handle(self, *args: Any, **options: Any) -> None:
        if not settings.DEBUG:
            raise CommandError("The demo's passwords are public: it is only loaded where DEBUG is on (DEBUG=true).")
        demo.load(timezone.now())
