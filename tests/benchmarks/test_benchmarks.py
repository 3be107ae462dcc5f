"""`make bench`, tiny: it measures everything that it promises, and judges what it has measured."""

from __future__ import annotations

import json
import math
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from benchmarks.charts import picture
from benchmarks.goals import GOALS, NO, NOT_ALL, UNKNOWN, YES, Finding, goal_rows
from benchmarks.plans import flaws
from benchmarks.report import Table
from benchmarks.stage import Options, Stage
from benchmarks.timing import free_share
from benchmarks.verdict import ROUNDS, out_of_bounds
from tests.plans import Cost

ROOT = Path(__file__).resolve().parent.parent.parent
TINY = (
    "--runs",
    "500",
    "--small",
    "200",
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
    "--web-workers",
    "1",
    "--memory-requests",
    "20",
)
PARTS = (
    "baseline",
    "scale",
    "paging",
    "search",
    "counts",
    "pages",
    "idle",
    "operations",
    "creation",
    "drafts",
    "grpc",
    "memory",
    "worker",
)
"""Every part but the one that installs Viewflow."""
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
    "Paging": {
        "search: manager, no filter",
        "search: manager, done",
        "search: member of 20 groups",
        "inbox: all of a manager",
        "inbox: all of a member",
    },
    "Idle pages": {"idle, 1 open", "idle, 20 open", "list, not changed", "list, changed"},
    "Operations": {"claim", "save-progress", "complete"},
    "Creation": {"one by one", "batch of 1,000"},
    "Memory of a web worker": {"20"},
    "Drafts": {"completion", "autosave", "200 people typing"},
    "By itself": {"timers", "webhooks", "completion to receiver"},
    "gRPC": {"GetUserTaskRun", "SearchUserTaskRun", "CompleteUserTaskRun"},
}


TOO_SMALL = {
    "Two scales": {"inbox: my tasks", "inbox: all of a manager", "inbox: a task", "search: manager, no filter"},
    "Counts": {"the same SQL by bare psycopg", "a list page over HTTP"},
}
"""Tables with rows that depend on the data: these are always there."""


@pytest.mark.postgresql
def test_every_row_is_measured_and_every_ratio_is_a_number(tmp_path: Path) -> None:
    parts = [word for part in PARTS for word in ("--only", part)]
    command = [sys.executable, "-m", "benchmarks", *TINY, *parts, "--output", str(tmp_path)]
    environment = {**os.environ, "DJANGO_SETTINGS_MODULE": "config.settings"}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False, timeout=300)
    assert done.returncode == 0, done.stderr[-3000:]
    assert (tmp_path / "latest.md").read_text() == done.stdout
    found = {part.partition("\n")[0]: cells_of(part) for part in done.stdout.split("\n## ")[1:]}
    names = {title: {row[0] for row in rows[1:]} for title, rows in found.items() if title != "Goals"}
    assert {title: rows for title, rows in names.items() if title not in TOO_SMALL} == ROWS
    assert all(rows <= names[title] for title, rows in TOO_SMALL.items())
    for title, (columns, *rows) in found.items():
        for row in rows:
            for name, cell in zip(columns, row, strict=True):
                if name.startswith("ratio"):
                    assert is_a_ratio(cell), (title, row)
    told = json.loads((tmp_path / "latest.json").read_text())
    assert set(told["tables"]) == set(PARTS)
    assert {goal["goal"] for goal in told["goals"]} == GOALS.keys() - {"pages beside", "actions beside"}
    assert [row[-1] for row in found["Goals"][1:]].count(UNKNOWN) == 2


@pytest.mark.parametrize(
    ("ratios", "verdict", "judged"),
    [
        ({"one": 1.0, "two": 2.0, "three": 2.4}, YES, 2.0),
        ({"one": 1.0, "two": 2.0, "three": 9.0}, NOT_ALL, 2.0),
        ({"one": 1.0, "two": 2.6, "three": 2.7}, NO, 2.6),
    ],
)
def test_the_median_is_held_to_a_goal_and_the_worst_is_named(
    ratios: dict[str, float], verdict: str, judged: float
) -> None:
    finding = Finding("search", ratios)
    assert (finding.verdict, finding.judged, finding.worst) == (verdict, judged, "three")


def test_of_operations_the_slowest_is_held_to_the_goal() -> None:
    finding = Finding("operations", {"claim": 0.6, "save": 0.5, "complete": 0.39})
    assert (finding.verdict, finding.judged) == (NO, 0.39)


def test_a_goal_that_was_not_measured_is_not_said_to_be_met() -> None:
    rows = {row[0]: row[-1] for row in goal_rows([Finding("memory", {"RSS": 1.05})])}
    assert rows.pop(GOALS["memory"].title) == YES
    assert set(rows.values()) == {UNKNOWN}


def test_the_picture_tells_met_from_missed() -> None:
    drawn = picture([Finding("memory", {"RSS": 1.05}), Finding("batch", {"batch": 2.0})])
    assert drawn.count('class="met"') == drawn.count('class="missed"') == 1


STAGE = Stage(Options(runs=1, requests=1, operations=1, rounds=1, clients=1, due=1, armed=1), port=0, conninfo="")


def measuring(*ratios: float) -> Callable[[Stage], Table]:
    """A measurement of searches that finds one ratio after the other."""
    left = iter(ratios)
    return lambda stage: Table("Searches", (), (), findings=[Finding("search", {"one": next(left)})])


@pytest.mark.parametrize(
    "ratios",
    [(2.0,), (9.0, 9.0, 2.0)],
    ids=["at once", "after a hiccup"],
)
def test_the_check_is_content(ratios: tuple[float, ...]) -> None:
    assert out_of_bounds(STAGE, "search", measuring(*ratios)) == []


def test_the_check_names_what_stays_out_of_bounds() -> None:
    [complaint] = out_of_bounds(STAGE, "search", measuring(*[9.0] * ROUNDS), free_share=lambda: 0.95)
    assert GOALS["search"].title in complaint


def test_the_check_blames_nobody_where_others_have_the_cores(capsys: pytest.CaptureFixture[str]) -> None:
    shares = iter([0.95, 0.2, 0.95, 0.95])
    assert out_of_bounds(STAGE, "search", measuring(*[9.0] * ROUNDS), free_share=lambda: next(shares)) == []
    assert "20%" in capsys.readouterr().err


def test_what_others_leave_of_the_cores_is_measured() -> None:
    assert 0 < free_share() < 1.1


def cost(*, scanned: frozenset[str] = frozenset(), rows: int = 0) -> Cost:
    return Cost(scanned=scanned, rows={}, entries=0, sorted=rows, nodes=())


@pytest.mark.parametrize(
    ("found", "number"),
    [
        (cost(rows=50), 0),
        (cost(rows=50_000), 1),
        (cost(scanned=frozenset({"usertasks_usertaskrun"})), 1),
        (cost(scanned=frozenset({"usertasks_usertaskdef"})), 0),
    ],
    ids=["a page", "too many sorted", "a large table from its beginning", "a small one"],
)
def test_a_plan_that_reads_a_table_or_sorts_it_is_a_fault(found: Cost, number: int) -> None:
    assert len(list(flaws(found))) == number


def cells_of(part: str) -> list[list[str]]:
    """The header and the rows of a Markdown table."""
    lines = [line for line in part.splitlines() if line.startswith("|") and not line.startswith("|--")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]


def is_a_ratio(cell: str) -> bool:
    return math.isfinite(float(cell.replace(",", ""))) and float(cell.replace(",", "")) > 0
