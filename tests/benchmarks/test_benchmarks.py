"""`make bench`, tiny: it measures everything that it promises, and leaves nothing behind."""

from __future__ import annotations

import math
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent
TINY = (
    "--runs",
    "500",
    "--requests",
    "3",
    "--operations",
    "4",
    "--rounds",
    "1",
    "--clients",
    "2",
    "--due",
    "20",
    "--armed",
    "100",
)
ROWS = {
    "Baseline": {"/healthz", "refused search"},
    "Searches": {
        "manager, no filter, page 1",
        "manager, no filter, page 100",
        "member of 20 groups, no filter, page 1",
        "member of 20 groups, no filter, page 100",
        "manager: status",
        "my inbox: user + status",
        "member: group + status",
        "manager: definition + status",
        "manager: all four",
        "manager: time range",
        "manager: overdue",
        "my inbox: overdue",
    },
    "Pages": {
        "inbox, my tasks",
        "inbox, a member of 20 groups",
        "inbox, due first",
        "inbox, all of a member",
        "inbox, a word",
        "inbox, all of a manager",
        "a task",
        "the team page of a manager",
    },
    "Idle pages": {"idle, 1 open", "idle, 20 open", "list, not changed", "list, changed"},
    "Operations": {"claim", "save-progress", "complete"},
    "Creation": {"one by one", "batch of 1,000"},
    "Drafts": {"completion", "autosave", "200 people typing"},
    "By itself": {"timers", "webhooks", "completion to receiver"},
    "gRPC": {"GetUserTaskRun", "SearchUserTaskRun", "CompleteUserTaskRun"},
}


@pytest.mark.postgresql
def test_every_row_is_measured_and_every_ratio_is_a_number(tmp_path: Path) -> None:
    output = tmp_path / "tables.md"
    command = [sys.executable, "-m", "benchmarks", *TINY, "--output", str(output)]
    environment = {**os.environ, "DJANGO_SETTINGS_MODULE": "config.settings"}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False, timeout=300)
    assert done.returncode == 0, done.stderr[-3000:]
    text = output.read_text()
    assert text.strip() == done.stdout.strip()
    tables = {part.partition("\n")[0]: cells_of(part) for part in text.split("\n## ")[1:]}
    assert {title: {row[0] for row in rows[1:]} for title, rows in tables.items()} == ROWS
    for title, (columns, *rows) in tables.items():
        for row in rows:
            for name, cell in zip(columns, row, strict=True):
                if name.startswith("ratio"):
                    assert is_a_ratio(cell), (title, row)


def cells_of(part: str) -> list[list[str]]:
    """The header and the rows of a Markdown table."""
    lines = [line for line in part.splitlines() if line.startswith("|") and not line.startswith("|--")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]


def is_a_ratio(cell: str) -> bool:
    return math.isfinite(float(cell.replace(",", ""))) and float(cell.replace(",", "")) > 0
