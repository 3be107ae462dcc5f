"""`manage.py verify_audit`: whether events and refusals are as they were written, or which is not."""

from __future__ import annotations

import json
import time
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from ...audit import Report, UnknownRun, ends_of, rows_to_read, verify
from ...models.runs import guid_of
from ..progress import Progress

MOST_SHOWN = 50
"""Findings that are listed; of all others, how many there are."""

ANOTHER_KEY = "Not one link could be verified: AUDIT_KEY (or SECRET_KEY) is probably not the one they were made with."


class Command(BaseCommand):
    help = (
        "Verify the hash chains of events and refusals, and name the first row that was tampered with. "
        "Exits with 1 where there is one. Nobody has to stop working for it."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--run", metavar="ID", help="only the history of this run")
        parser.add_argument("--json", action="store_true", help="tell it as JSON")
        parser.add_argument(
            "--anchor", default="", help="what an earlier verification printed: shows that nothing was cut off since"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        run_id, anchor = options["run"], str(options["anchor"])
        guid = guid_of(str(run_id)) if run_id else None
        if run_id and guid is None:
            raise CommandError(f"--run {run_id!r} is no id of a run: 32 hex digits.")
        if anchor:
            _require_anchor(anchor)
        began = time.monotonic()
        try:
            with Progress(self.stderr, rows_to_read(guid), "Verifying") as progress:
                report = verify(timezone.now(), run_id=guid, anchor=anchor, tell=progress.advance)
        except UnknownRun as problem:
            raise CommandError(str(problem)) from None
        seconds = max(time.monotonic() - began, 0.001)
        self._tell(report, seconds, is_json=options["json"])
        if not report.is_intact:
            raise CommandError(verdict(report))

    def _tell(self, report: Report, seconds: float, *, is_json: bool) -> None:
        if is_json:
            self.stdout.write(json.dumps(content(report), indent=2))
            return
        for finding in report.findings[:MOST_SHOWN]:
            self.stdout.write(str(finding))
        self.stdout.write(f"{amounts(report)} in {seconds:.1f} s ({report.events / seconds:,.0f} events a second).")
        if report.is_intact:
            self.stdout.write(self.style.SUCCESS("All of it is as it was written."))
        if report.anchor:
            self.stdout.write(f"Anchor: {report.anchor}")


def _require_anchor(text: str) -> None:
    try:
        ends_of(text)
    except ValueError as problem:
        raise CommandError(str(problem)) from None


def amounts(report: Report) -> str:
    return f"Read {report.events:,} events of {report.runs:,} runs, and {report.refusals:,} refusals,"


def verdict(report: Report) -> str:
    """The first finding, and how many there are."""
    hint = f" {ANOTHER_KEY}" if report.is_key_unknown else ""
    return f"{report.findings[0]}. Findings in all: {len(report.findings):,}.{hint}"


def content(report: Report) -> dict[str, Any]:
    """The report for programs."""
    return {
        "intact": report.is_intact,
        "events": report.events,
        "runs": report.runs,
        "refusals": report.refusals,
        "anchor": report.anchor,
        "is_key_unknown": report.is_key_unknown,
        "count": len(report.findings),
        "findings": [
            {
                "row": finding.name,
                "what": finding.what,
                "run_id": finding.run_id.hex if finding.run_id else None,
                "number": finding.number,
                "position": finding.position,
                "refusal": finding.refusal,
                "until": finding.until,
            }
            for finding in report.findings[:MOST_SHOWN]
        ],
    }
