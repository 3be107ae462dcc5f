"""`manage.py export_audit`: events and refusals as JSON lines or CSV."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from ...audit import FORMATS, Selection, records_of, seal, written
from ...models import Refusal, UserTaskEvent
from ...models.runs import guid_of
from ..moments import moment_of
from ..output import write_lines
from ..progress import Progress


class Command(BaseCommand):
    help = (
        "Export events and refusals, the oldest first, to a file or to the standard output. "
        "In CSV, what a spreadsheet would take for a formula has an apostrophe before it."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--format", choices=sorted(FORMATS), default="jsonl")
        parser.add_argument("--since", metavar="TIME", help="from then on: 2026-11-30, 2026-11-30T09:00:00+01:00")
        parser.add_argument("--until", metavar="TIME", help="until before then")
        parser.add_argument("--run", metavar="ID", help="only of this run")
        parser.add_argument("--user-id", metavar="NAME", help="only what this person did, or others on their behalf")
        parser.add_argument("--output", metavar="FILE", type=Path, help="a file, made anew (default: standard output)")

    def handle(self, *args: Any, **options: Any) -> None:
        selection = selection_of(options)
        seal(timezone.now())
        events, refusals = selection.among(UserTaskEvent.objects.all()), selection.among(Refusal.objects.all())
        with Progress(self.stderr, events.count() + refusals.count(), "Exporting") as progress:
            lines = written(counted(records_of(events, refusals), progress), options["format"])
            write_lines(lines, options["output"], self.stdout)


def selection_of(options: dict[str, Any]) -> Selection:
    """What the options ask for. Raises `CommandError`."""
    run_id = guid_of(options["run"]) if options["run"] else None
    if options["run"] and run_id is None:
        raise CommandError(f"--run {options['run']!r} is no id of a run: 32 hex digits.")
    since, until = (options[name] and moment_of(f"--{name}", options[name]) for name in ("since", "until"))
    return Selection(since=since, until=until, run_id=run_id, user_id=options["user_id"])


def counted(records: Iterable[Any], progress: Progress) -> Iterator[Any]:
    for record in records:
        yield record
        progress.advance(1)
