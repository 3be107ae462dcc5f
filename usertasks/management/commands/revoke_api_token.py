"""`manage.py revoke_api_token NUMBER ...`: tokens are worth nothing from now on."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from ...errors import NotFound
from ...tokens import MACHINE, revoke_token


class Command(BaseCommand):
    help = "Revoke API tokens by their numbers, as `list_api_tokens` shows them."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("numbers", metavar="NUMBER", type=int, nargs="+")

    def handle(self, *args: Any, numbers: list[int], **options: Any) -> None:
        for number in numbers:
            try:
                revoke_token(number, by=MACHINE, now=timezone.now())
            except NotFound:
                raise CommandError(f"There is no token {number}.") from None
