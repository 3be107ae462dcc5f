"""`manage.py list_api_tokens [USERNAME]`: the tokens that are of use, one a line."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandParser
from django.utils import timezone

from ...models import ApiToken


class Command(BaseCommand):
    help = (
        "List the API tokens that are neither expired nor revoked: number, beginning, user, scopes, expiry, last use."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("username", metavar="USERNAME", nargs="?", help="of this user only")

    def handle(self, *args: Any, username: str | None, **options: Any) -> None:
        tokens = ApiToken.objects.live(timezone.now()).select_related("user").order_by("pk")
        for token in tokens.filter(user__username=username) if username else tokens:
            expires, used = (moment.isoformat(timespec="minutes") if moment else "never" for moment in _times(token))
            words = [str(token.pk), token.hint, token.user.get_username(), ",".join(token.scopes), expires, used]
            self.stdout.write("\t".join([*words, token.name]))


def _times(token: ApiToken) -> tuple[Any, Any]:
    return token.expires_at, token.last_used_at
