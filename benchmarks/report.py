"""What is written: tables in Markdown and JSON, below the goals, the machine and the versions."""

from __future__ import annotations

import os
import platform
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

import orjson
import psycopg

from .data import DEFINITIONS, GROUPS, PEOPLE
from .goals import GOAL_COLUMNS, GOALS, Finding, goal_rows
from .servers import POOL_SIZE, PRODUCTION_LIKE, THREADS
from .stage import Options

PACKAGES = ("Django", "djangorestframework", "psycopg", "granian", "orjson")


@dataclass(frozen=True)
class Table:
    """One kind of measurement. The cells of a row are texts, whole numbers (counts) and floats."""

    title: str
    columns: Sequence[str]
    rows: Sequence[Sequence[Any]]
    notes: Sequence[str] = ()
    findings: Sequence[Finding] = ()
    """What it tells about the goals."""

    def markdown(self) -> str:
        cells = [[_cell(value) for value in row] for row in self.rows]
        widths = [max(map(len, column)) for column in zip(self.columns, *cells, strict=True)]
        lines = [
            _line(self.columns, widths),
            "|" + "|".join("-" * (width + 1) + (":" if place else "-") for place, width in enumerate(widths)) + "|",
            *(_line(row, widths) for row in cells),
        ]
        return "\n".join([f"## {self.title}", "", *lines, "", *self.notes])

    def plain(self) -> dict[str, Any]:
        """For JSON: each row by the names of its columns."""
        return {
            "title": self.title,
            "rows": [dict(zip(self.columns, row, strict=True)) for row in self.rows],
            "notes": self.notes,
        }


@dataclass
class Document:
    """Everything that one run has found, as far as it has come."""

    facts: Mapping[str, str]
    tables: dict[str, Table] = field(default_factory=dict)
    seconds: dict[str, float] = field(default_factory=dict)
    """How long each part took."""

    @property
    def findings(self) -> list[Finding]:
        return [finding for table in self.tables.values() for finding in table.findings]

    def markdown(self) -> str:
        goals = Table("Goals", GOAL_COLUMNS, goal_rows(self.findings), GOAL_NOTES)
        facts = "\n".join(f"- {name}: {fact}" for name, fact in {**self.facts, "Time taken": self._times()}.items())
        parts = ["# Benchmarks", goals.markdown(), facts, *(table.markdown() for table in self.tables.values())]
        return "\n\n".join(parts) + "\n"

    def json(self) -> bytes:
        found = {
            "facts": self.facts,
            "seconds": self.seconds,
            "goals": [
                {
                    "goal": finding.goal,
                    "title": GOALS[finding.goal].title,
                    "bound": GOALS[finding.goal].bound,
                    "is_least": GOALS[finding.goal].is_least,
                    "ratio": finding.judged,
                    "ratios": finding.ratios,
                    "met": finding.verdict,
                }
                for finding in self.findings
            ],
            "tables": {name: table.plain() for name, table in self.tables.items()},
        }
        return orjson.dumps(found, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)

    def write(self, folder: Path) -> None:
        """`latest.md` and `latest.json`."""
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "latest.md").write_text(self.markdown())
        (folder / "latest.json").write_bytes(self.json())

    def _times(self) -> str:
        return ", ".join(f"{name} {seconds:.0f} s" for name, seconds in self.seconds.items())


GOAL_NOTES = (
    "Ratios within one run. Measured is the median of all that was measured for the goal where some of it may be "
    "noise, else the worst of it; the tables below tell everything.",
)


def circumstances(database: psycopg.Connection, options: Options) -> dict[str, str]:
    """The machine, the versions, the day and the settings."""
    postgresql = _setting(database, "server_version")
    settings = ", ".join(f"{name}={_setting(database, name)}" for name in PRODUCTION_LIKE)
    versions = ", ".join(f"{name} {version(name)}" for name in PACKAGES)
    processes = "1 process" if options.web_workers == 1 else f"{options.web_workers} processes"
    return {
        "Date": datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
        "Machine": f"{os.cpu_count()} cores, {_processor()}, {_memory()}, load at the start {os.getloadavg()[0]:.1f}",
        "Versions": f"Python {platform.python_version()}, {versions}, PostgreSQL {postgresql}",
        "PostgreSQL": settings,
        "Web server": f"granian, {processes} of {THREADS} threads with {POOL_SIZE} connections each, DEBUG off, no TLS",
        "Data": _data(database, options.runs),
        "Beside it": f"the same server on {options.small:,} runs, in the same PostgreSQL",
        "Floor": "the same SQL, sent by bare psycopg in the same run; ratio: how many times as long HTTP takes",
    }


def _setting(database: psycopg.Connection, name: str) -> str:
    row = database.execute("SELECT current_setting(%s)", [name]).fetchone()
    assert row is not None
    return str(row[0])


def _data(database: psycopg.Connection, runs: int) -> str:
    row = database.execute("SELECT count(*) FROM usertasks_usertaskevent").fetchone()
    assert row is not None
    return f"{runs:,} runs, {row[0]:,} events, {DEFINITIONS} definitions, {PEOPLE:,} people, {GROUPS} groups"


def _processor() -> str:
    """The name of the processor, where Linux tells it."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        lines = []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or platform.machine()


def _memory() -> str:
    return f"{os.sysconf('SC_PAGE_SIZE') * os.sysconf('SC_PHYS_PAGES') / 2**30:.0f} GB"


def _cell(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:,.0f}" if value >= 100 else f"{value:.2f}"
    return str(value)


def _line(cells: Sequence[str], widths: Sequence[int]) -> str:
    """A row of the table: the first column is text, the others are numbers."""
    aligned = [
        cell.rjust(width) if place else cell.ljust(width)
        for place, (cell, width) in enumerate(zip(cells, widths, strict=True))
    ]
    return f"| {' | '.join(aligned)} |"
