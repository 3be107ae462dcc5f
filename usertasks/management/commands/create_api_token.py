"""`manage.py create_api_token USERNAME`: prints a new token, and nothing else."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.models import User
from django.core.management.base import BaseCommand, CommandError, CommandParser

from ...models import ApiToken


class Command(BaseCommand):
    help = "Make a new API token for a user and print it. It is shown this once: only its digest is kept."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("username", metavar="USERNAME", help="an active user; what they may do, the token may")

    def handle(self, *args: Any, username: str, **options: Any) -> None:
        user = User.objects.filter(username=username, is_active=True).first()
        if user is None:
            raise CommandError(f"There is no active user {username!r}. `manage.py createsuperuser` makes one.")
        self.stdout.write(ApiToken.objects.issue(user))
