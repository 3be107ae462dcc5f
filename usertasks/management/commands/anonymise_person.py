"""`manage.py anonymise_person USER_ID`: a pseudonym stands where the name of a person stood."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from ...audit import seal
from ...errors import Refused
from ...personal_data import Renaming, anonymise, deletable_of, mentions_of, new_pseudonym

HELP = """\
Put a pseudonym wherever a person is named, delete what was theirs alone (drafts, tokens, mails, sessions) and close
their account. Refused while they own open runs. It cannot be taken back. The audit stays verifiable.
"""


class Command(BaseCommand):
    help = HELP

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("user_id", metavar="USER_ID", help="with or without an account")
        parser.add_argument("--as", metavar="NAME", dest="pseudonym", help="the pseudonym (default: one by chance)")
        parser.add_argument(
            "--keep-texts", action="store_true", help="leave the name where it is a word in what people have written"
        )
        parser.add_argument("--dry-run", action="store_true", help="only say where the person is named")

    def handle(self, *args: Any, user_id: str, **options: Any) -> None:
        pseudonym = options["pseudonym"] or new_pseudonym()
        renaming = Renaming(user_id, pseudonym, in_words=not options["keep_texts"])
        if user_id == pseudonym:
            raise CommandError("--as is the name that is to go.")
        if options["dry_run"]:
            self._rehearse(user_id)
            return
        now = timezone.now()
        seal(now)
        try:
            done = anonymise(renaming, now=now)
        except Refused as refusal:
            raise CommandError(_told(refusal)) from None
        amounts, places = _amounts(done.rows), _places(user_id)
        if amounts:
            self.stdout.write(f"{pseudonym} stands for {user_id} now: {amounts} changed or deleted.")
        elif not places:
            self.stdout.write(f"{user_id} is named nowhere; nothing was changed.")
        else:
            self.stdout.write("Nothing was changed.")
        if places:
            self.stdout.write(f"Still named in: {places}.")

    def _rehearse(self, user_id: str) -> None:
        places, amounts = _places(user_id), _amounts(deletable_of(user_id))
        if not places:
            self.stdout.write(f"{user_id} is named nowhere; nothing was changed.")
            return
        self.stdout.write(f"Named in: {places}.")
        if amounts:
            self.stdout.write(f"Would be deleted: {amounts}.")
        self.stdout.write("Nothing was changed.")


def _places(user_id: str) -> str:
    """Where the name stands, also as a word of what people have written."""
    return ", ".join(map(str, mentions_of(Renaming(user_id, new_pseudonym()))))


def _amounts(rows: Mapping[str, int]) -> str:
    return ", ".join(f"{count:,} {name}" for name, count in sorted(rows.items()) if count)


def _told(refusal: Refused) -> str:
    hint = (
        " `POST /api/v1/user-task-runs/bulk/` and the admin move many at once." if refusal.code == "wrong_state" else ""
    )
    return f"{refusal.detail}{hint}"
