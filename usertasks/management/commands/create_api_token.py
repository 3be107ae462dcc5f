"""`manage.py create_api_token USERNAME`: prints a new token, and nothing else."""

from __future__ import annotations

import re
from argparse import ArgumentTypeError
from datetime import timedelta
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from ...actors import EVERY_SCOPE, Scope
from ...errors import InvalidArgument
from ...tokens import MACHINE, issue_token

PERIOD = re.compile(r"([1-9][0-9]{0,4})([hdw])")
UNITS = {"h": "hours", "d": "days", "w": "weeks"}


def period(text: str) -> timedelta:
    """`90d`, `12h`, `4w`."""
    found = PERIOD.fullmatch(text)
    if found is None:
        raise ArgumentTypeError(f"not a period such as 90d, 12h or 4w: {text!r}")
    return timedelta(**{UNITS[found[2]]: int(found[1])})


class Command(BaseCommand):
    help = "Make a new API token for a user and print it. It is shown this once: only its digest is kept."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("username", metavar="USERNAME", help="an active user; what they may not, the token may not")
        parser.add_argument("--name", default="", help="what will use it")
        parser.add_argument(
            "--scope",
            action="append",
            type=str,
            choices=[scope.value for scope in Scope],
            dest="scopes",
            help="what it is for; may be given several times (default: admin, which is everything)",
        )
        parser.add_argument(
            "--expires-in", type=period, metavar="PERIOD", help="such as 90d, 12h or 4w (default: it never expires)"
        )

    def handle(self, *args: Any, username: str, name: str, scopes: list[str] | None, **options: Any) -> None:
        now, lifetime = timezone.now(), options["expires_in"]
        wanted = [Scope(scope) for scope in scopes] if scopes else EVERY_SCOPE
        try:
            expires_at = now + lifetime if lifetime else None
            made = issue_token(username, by=MACHINE, now=now, name=name, scopes=wanted, expires_at=expires_at)
        except InvalidArgument as refusal:
            hint = " `manage.py createsuperuser` makes an account." if "user_id" in refusal.faults else ""
            raise CommandError(f"{refusal.detail}.{hint}") from None
        self.stdout.write(made.text)
