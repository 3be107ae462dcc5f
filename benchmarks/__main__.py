"""`python -m benchmarks`: start the servers, fill the database, measure, print."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter

import psycopg

from tests.postgres import running_postgres

from . import baseline, creation, data, drafts, grpc, idle, operations, pages, search, worker
from .report import Table, circumstances
from .servers import PRODUCTION_LIKE, conninfo, enter_production, interrupted_by_sigterm, web_server
from .stage import Options, Stage, tell

MEASUREMENTS: dict[str, Callable[[Stage], Table]] = {
    "baseline": baseline.measure,
    "search": search.measure,
    "pages": pages.measure,
    "idle": idle.measure,
    "operations": operations.measure,
    "creation": creation.measure,
    "drafts": drafts.measure,
    "grpc": grpc.measure,
    "worker": worker.measure,
}

DESCRIPTION = """
Measure the real server over HTTP, on a PostgreSQL of its own, beside the floor: the same SQL sent by bare psycopg in
the same run. Tables go to stdout, progress to stderr. Nothing outside of a temporary folder is touched, and Ctrl-C or
SIGTERM stops everything. docs/benchmarks.md tells how to read the tables.
"""


def main() -> int:
    arguments = _arguments()
    options = Options(
        runs=arguments.runs,
        requests=arguments.requests,
        operations=arguments.operations,
        rounds=arguments.rounds,
        clients=arguments.clients,
        due=arguments.due,
        armed=arguments.armed,
    )
    try:
        with interrupted_by_sigterm(), stage_of(options) as stage:
            _measure(stage, arguments.only or list(MEASUREMENTS), arguments.output)
    except KeyboardInterrupt:
        tell("stopped")
        return 130
    return 0


@contextmanager
def stage_of(options: Options) -> Iterator[Stage]:
    """Both servers, running on filled tables."""
    start = perf_counter()
    tell("starting PostgreSQL")
    with TemporaryDirectory(prefix="usertasks-bench-") as folder, running_postgres(PRODUCTION_LIKE) as url:
        enter_production(url, folder)
        tell(f"filling the database with {options.runs:,} runs")
        with psycopg.connect(conninfo(), autocommit=True) as database:
            data.fill(database, runs=options.runs)
        tell(f"starting the web server, {perf_counter() - start:.0f} s after the start")
        with web_server(folder) as port:
            yield Stage(options, port, conninfo())


def _measure(stage: Stage, names: list[str], output: Path | None) -> None:
    with stage.connect() as database:
        parts = ["# Benchmarks", circumstances(database, stage.options.runs)]
    print("\n\n".join(parts), flush=True)
    for name in names:
        parts.append(MEASUREMENTS[name](stage).markdown())
        print(f"\n{parts[-1]}", flush=True)
    if output:
        output.write_text("\n\n".join(parts) + "\n")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        "python -m benchmarks", description=DESCRIPTION, formatter_class=argparse.ArgumentDefaultsHelpFormatter
    )
    parser.add_argument("--runs", type=_positive, default=100_000, help="how many runs there are")
    parser.add_argument("--requests", type=_positive, default=300, help="requests of each kind of search")
    parser.add_argument("--operations", type=_positive, default=200, help="operations of each kind in a round")
    parser.add_argument("--rounds", type=_positive, default=5, help="rounds of operations; the median counts")
    parser.add_argument("--clients", type=_positive, default=8, help="the most clients at a time, beside one alone")
    parser.add_argument("--due", type=_positive, default=10_000, help="timers, and webhooks, that are due at once")
    parser.add_argument("--armed", type=_positive, default=1_000_000, help="timers that are armed for later")
    parser.add_argument("--only", action="append", choices=list(MEASUREMENTS), help="may be given several times")
    parser.add_argument("--output", type=Path, help="also write the tables to this file")
    return parser.parse_args()


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError("must be at least 1")
    return number


if __name__ == "__main__":
    sys.exit(main())
