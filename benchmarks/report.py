"""What is printed: tables in Markdown, below the machine and the versions that they were measured with."""

from __future__ import annotations

import os
import platform
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

import psycopg

from .data import DEFINITIONS, GROUPS, PEOPLE
from .servers import POOL_SIZE, PRODUCTION_LIKE, THREADS

PACKAGES = ("Django", "djangorestframework", "psycopg", "granian", "orjson")


@dataclass(frozen=True)
class Table:
    """One kind of measurement. The cells of a row are texts, whole numbers (counts) and floats."""

    title: str
    columns: Sequence[str]
    rows: Sequence[Sequence[Any]]
    notes: Sequence[str] = ()

    def markdown(self) -> str:
        cells = [[_cell(value) for value in row] for row in self.rows]
        widths = [max(map(len, column)) for column in zip(self.columns, *cells, strict=True)]
        lines = [
            _line(self.columns, widths),
            "|" + "|".join("-" * (width + 1) + (":" if place else "-") for place, width in enumerate(widths)) + "|",
            *(_line(row, widths) for row in cells),
        ]
        return "\n".join([f"## {self.title}", "", *lines, "", *self.notes])


def circumstances(database: psycopg.Connection, runs: int) -> str:
    """The machine, the versions, the day and the settings, as a list."""
    postgresql = _setting(database, "server_version")
    settings = ", ".join(f"{name}={_setting(database, name)}" for name in PRODUCTION_LIKE)
    versions = ", ".join(f"{name} {version(name)}" for name in PACKAGES)
    facts = {
        "Date": datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
        "Machine": f"{os.cpu_count()} cores, {_processor()}, {_memory()}, load at the start {os.getloadavg()[0]:.1f}",
        "Versions": f"Python {platform.python_version()}, {versions}, PostgreSQL {postgresql}",
        "PostgreSQL": settings,
        "Web server": f"granian, 1 process, {THREADS} threads, pool of {POOL_SIZE} connections, DEBUG off, no TLS",
        "Data": _data(database, runs),
        "Floor": "the same SQL, sent by bare psycopg in the same run; ratio: how many times as long HTTP takes",
    }
    return "\n".join(f"- {name}: {fact}" for name, fact in facts.items())


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
