"""`manage.py purge --older-than 365d`: what ended long ago is deleted, or made anonymous."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any
from uuid import UUID

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from ... import retention, totals
from ...audit import seal
from ...models import TERMINAL
from ..moments import span_of
from ..progress import Progress

MOST_NAMED = 10

HELP = """\
Delete the runs that were completed or cancelled so long ago, with everything that belongs to them; with --anonymise,
keep them without the people and what these have said. Refusals, mails, deliveries of webhooks, bulk changes, expired
and revoked tokens, ended substitutions and the log of the admin that are as old are deleted in any case.
It may be interrupted and repeated, and nobody has to stop working for it.
"""


class Command(BaseCommand):
    help = HELP

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--older-than", metavar="SPAN", required=True, help="365d, 52w, 12h")
        parser.add_argument("--anonymise", action="store_true", help="make runs anonymous instead of deleting them")
        parser.add_argument("--dry-run", action="store_true", help="only say how much there is to purge")
        parser.add_argument("--batch", type=int, default=retention.BATCH, help="rows of one transaction (default: 500)")

    def handle(self, *args: Any, **options: Any) -> None:
        batch, anonymise = options["batch"], options["anonymise"]
        if batch < 1:
            raise CommandError("--batch must be at least 1.")
        now = timezone.now()
        try:
            before = now - span_of("--older-than", options["older_than"])
        except OverflowError:
            raise CommandError("--older-than reaches to before the first year.") from None
        there = {
            "runs": sum(retention.ended_runs(status, before, anonymise=anonymise).count() for status in TERMINAL),
            "refusals": retention.old_refusals(before).count(),
            **{
                name: retention.left_beside(rows, before, anonymise=anonymise).count()
                for name, rows in retention.old_rows(before).items()
            },
        }
        if options["dry_run"]:
            self._list(there, "would be purged. Nothing was changed.")
            return
        seal(now)
        with Progress(self.stderr, sum(there.values()), "Purging") as progress:
            runs = retention.purge_runs(before, now=now, batch=batch, anonymise=anonymise)
            done, busy, damaged = _counted(runs, progress)
            told = {"runs made anonymous" if anonymise else "runs": done}
            told["refusals"] = _summed(retention.purge_refusals(before, batch=batch), progress)
            for name, rows in retention.old_rows(before).items():
                told[name] = _summed(retention.delete_rows(rows, batch=batch), progress)
        totals.fold(is_patient=True)  # who is not counted any more is not named there any more
        self._list(told, "purged.")
        if busy:
            self.stdout.write(f"{busy} runs were left for the next time: somebody works with them, or waits for them.")
        if damage := [*(f"run {run_id.hex}" for run_id in damaged), *_damaged_refusals(before)]:
            raise CommandError(
                f"Left, because they are not as they were written: {', '.join(damage[:MOST_NAMED])} "
                f"({len(damage)} in all). `manage.py verify_audit` says more."
            )

    def _list(self, amounts: dict[str, int], verb: str) -> None:
        self.stdout.write(f"{', '.join(f'{count:,} {name}' for name, count in amounts.items())} {verb}")


def _damaged_refusals(before: datetime) -> list[str]:
    position = retention.damaged_refusal(before)
    return [] if position is None else [f"refusal {position} and those after it"]


def _counted(steps: Iterator[retention.Step], progress: Progress) -> tuple[int, int, list[UUID]]:
    done, busy = 0, 0
    damaged: list[UUID] = []
    for step in steps:
        done, busy = done + step.done, busy + step.busy
        damaged += step.damaged
        progress.advance(step.done)
    return done, busy, damaged


def _summed(steps: Iterator[int], progress: Progress) -> int:
    total = 0
    for step in steps:
        total += step
        progress.advance(step)
    return total
