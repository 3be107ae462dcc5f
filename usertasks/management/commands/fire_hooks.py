"""`manage.py fire_hooks`: what runs do by themselves until some time; told, or done."""

from __future__ import annotations

import re
from argparse import RawDescriptionHelpFormatter
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser, DjangoHelpFormatter
from django.db.models import Max
from django.utils import timezone

from ... import operations
from ...forecast import forecast
from ...hooks import sentence
from ...models import ArmedHook, HookState, LapseReason
from ...worker import Item, TaskHooks, work_off

AFTER_NOW = re.compile(r"\+(?=\d)(?:(\d{1,9})d)?(?:(\d{1,9})h)?(?:(\d{1,9})m)?(?:(\d{1,9})s)?", re.ASCII)

HELP = """\
Fire the timers of runs that are due: the same as a worker does, once.

With --dry-run, print what would fire or lapse until TIME, and change nothing. What would follow from it is
told too: a run that is given to somebody arms what is to happen then. It is taken for granted that a worker
runs all the time, that nobody does anything, and that tasks succeed.

Without --dry-run, a TIME in the future fires what is armed now and due until then, early: it cannot be taken back.
"""


class Paragraphs(DjangoHelpFormatter, RawDescriptionHelpFormatter):
    """Django's help, with the ends of lines as they were written."""


class Command(BaseCommand):
    help = HELP

    def create_parser(self, prog_name: str, subcommand: str, **kwargs: Any) -> CommandParser:
        return super().create_parser(prog_name, subcommand, formatter_class=Paragraphs, **kwargs)

    def add_arguments(self, parser: CommandParser) -> None:
        what = "2026-11-30T09:00:00+01:00, or from now on: +2d, +3h, +1d12h, +90m (default: now)"
        parser.add_argument("--at", metavar="TIME", default="+0s", help=what)
        parser.add_argument("--dry-run", action="store_true", help="only print what would happen")

    def handle(self, *args: Any, **options: Any) -> None:
        now = timezone.now()
        at = moment(str(options["at"]), now)
        if options["dry_run"]:
            self._foretell(now, at)
        elif at < now:
            raise CommandError("--at has passed. Leave it out to fire what is due now, or add --dry-run.")
        else:
            self._fire(now, at)

    def _foretell(self, now: datetime, until: datetime) -> None:
        told = Counter[str]()
        for foreseen in forecast(now=min(now, until), until=until):
            word = "lapses" if foreseen.reason else "fires"
            told[word] += 1
            follows = "" if foreseen.hook.pk else "follows from the above"
            self.stdout.write(line(foreseen.at, word, foreseen.hook, reason_in_words(foreseen.reason), follows))
        fires, lapses = told["fires"], told["lapses"]
        self.stdout.write(f"Until {stamp(until)}: {fires} would fire, {lapses} would lapse. Nothing was changed.")

    def _fire(self, now: datetime, at: datetime) -> None:
        tasks = WatchedTaskHooks()
        newest = ArmedHook.objects.aggregate(newest=Max("pk"))["newest"] or 0
        work_off([tasks], now)
        early = 0
        while brought := operations.bring_forward(now=now, until=at, newest=newest):
            early += brought
            work_off([tasks], now)
        if early:
            self.stderr.write(f"{early} were not due yet: they were fired early.")
        done = Counter[str]()
        # This very moment, to the microsecond, is what everything that was settled here says of itself.
        for hook in ArmedHook.objects.filter(settled_at=now).select_related("run").order_by("due_at", "id").iterator():
            done[hook.state] += 1
            self.stdout.write(line(hook.due_at, hook.state, hook, reason_in_words(hook.reason)))
        for hook, problem in tasks.failures:
            self.stdout.write(line(hook.due_at, "failed", hook, f"{type(problem).__name__}: {problem}"))
        fired, lapsed = done[HookState.FIRED], done[HookState.LAPSED]
        self.stdout.write(f"{fired} fired, {lapsed} lapsed, {len(tasks.failures)} failed and will be tried again.")


class WatchedTaskHooks(TaskHooks):
    """Task hooks that remember what went wrong."""

    def __init__(self) -> None:
        self.failures: list[tuple[ArmedHook, Exception]] = []

    def settle(self, item: Item, result: Any, now: datetime) -> None:
        super().settle(item, result, now)
        if isinstance(result, Exception):
            assert isinstance(item.row, ArmedHook)
            self.failures.append((item.row, result))


def moment(text: str, now: datetime) -> datetime:
    """The time that is meant. Raises `CommandError`."""
    try:
        if span := AFTER_NOW.fullmatch(text):
            days, hours, minutes, seconds = (int(number or 0) for number in span.groups())
            return now + timedelta(days=days, hours=hours, minutes=minutes, seconds=seconds)
        at = datetime.fromisoformat(text)
        if at.tzinfo is not None:
            return at.astimezone(UTC)
    except (ValueError, OverflowError):
        pass
    example = stamp(now + timedelta(days=2))
    raise CommandError(f"--at {text!r} is no time. Say it with its offset ({example}), or as +2d, +3h, +1d12h.")


def stamp(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def reason_in_words(reason: str | None) -> str:
    return str(LapseReason(reason).label) if reason else ""


def line(at: datetime, word: str, hook: ArmedHook, *notes: str) -> str:
    """One timer: when, what becomes of it, whose, and what it does."""
    run = hook.run
    definition = f"{run.user_task_def_name} v{run.user_task_def_version}"
    remarks: Sequence[str] = [note for note in notes if note]
    return "  ".join(
        [
            stamp(at),
            word.ljust(6),
            run.id.hex,
            definition,
            hook.hook,
            sentence(hook) + (f" ({'; '.join(remarks)})" if remarks else ""),
        ]
    )
