"""`python -m benchmarks`: start the servers, fill the databases, measure, write."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter

import psycopg

from tests.postgres import running_postgres

from . import (
    baseline,
    beside,
    counts,
    creation,
    data,
    drafts,
    grpc,
    idle,
    memory,
    operations,
    pages,
    paging,
    scale,
    search,
    worker,
)
from .charts import draw
from .report import Document, Table, circumstances
from .servers import CORES, PRODUCTION_LIKE, conninfo, enter_production, interrupted_by_sigterm, make_twin, web_server
from .stage import TWIN, Options, Stage, tell
from .verdict import check

MEASUREMENTS: dict[str, Callable[[Stage], Table]] = {
    "baseline": baseline.measure,
    "scale": scale.measure,
    "paging": paging.measure,
    "search": search.measure,
    "counts": counts.measure,
    "beside": beside.measure,
    "pages": pages.measure,
    "idle": idle.measure,
    "operations": operations.measure,
    "creation": creation.measure,
    "drafts": drafts.measure,
    "grpc": grpc.measure,
    "memory": memory.measure,
    "worker": worker.measure,
}

DESCRIPTION = """
Measure the real server over HTTP, on a PostgreSQL of its own, beside the floor: the same SQL sent by bare psycopg in
the same run. What was found goes to stdout and to latest.md and latest.json of --output, progress to stderr. Ctrl-C or
SIGTERM stops everything. docs/benchmarks.md tells how to read the tables.
"""
QUICK = Options(
    runs=20_000,
    small=2_000,
    requests=24,
    variants=3,
    operations=4,
    rounds=12,
    clients=1,
    due=1,
    armed=1,
    web_workers=1,
    depth=40,
    slow=0,
    usual=0,
)
"""What `--check` measures with."""


def main() -> int:
    arguments = _arguments()
    options = QUICK if arguments.check else _options(arguments)
    try:
        with interrupted_by_sigterm(), stage_of(options) as stage:
            if arguments.check:
                return check(stage, MEASUREMENTS)
            _measure(stage, arguments.only or list(MEASUREMENTS), arguments.output)
    except KeyboardInterrupt:
        tell("stopped")
        return 130
    return 0


@contextmanager
def stage_of(options: Options) -> Iterator[Stage]:
    """The servers, running on filled tables."""
    start = perf_counter()
    tell("starting PostgreSQL")
    with TemporaryDirectory(prefix="usertasks-bench-") as folder, running_postgres(PRODUCTION_LIKE) as url:
        enter_production(url, folder)
        twin_url = make_twin(url, TWIN)
        for name, runs in ((TWIN, options.small), ("", options.runs)):
            tell(f"filling a database with {runs:,} runs")
            with psycopg.connect(conninfo(name), autocommit=True) as database:
                data.fill(database, runs=runs)
        tell(f"starting the web server, {perf_counter() - start:.0f} s after the start")
        with web_server(folder, workers=options.web_workers) as port:
            yield Stage(options, port, conninfo(), folder, twin_url)


def _measure(stage: Stage, names: Sequence[str], output: Path) -> None:
    """What is found is written after each part: a run takes long, and may be interrupted."""
    with stage.connect() as database:
        document = Document(circumstances(database, stage.options))
    begin = perf_counter()
    for number, name in enumerate(names, start=1):
        start = perf_counter()
        tell(f"part {number} of {len(names)}, {name}, after {(start - begin) / 60:.0f} min")
        document.tables[name] = MEASUREMENTS[name](stage)
        document.seconds[name] = perf_counter() - start
        document.write(output)
    draw(document.findings, output)
    print(document.markdown(), end="", flush=True)
    tell(f"written to {output}")


def _options(arguments: argparse.Namespace) -> Options:
    return Options(
        runs=arguments.runs,
        requests=arguments.requests,
        operations=arguments.operations,
        rounds=arguments.rounds,
        clients=arguments.clients,
        due=arguments.due,
        armed=arguments.armed,
        small=arguments.small,
        web_workers=arguments.web_workers,
        memory_requests=arguments.memory_requests,
        depth=arguments.depth,
    )


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        "python -m benchmarks", description=DESCRIPTION, formatter_class=argparse.ArgumentDefaultsHelpFormatter
    )
    number = parser.add_argument
    number("--runs", type=_positive, default=1_000_000, help="how many runs there are")
    number("--small", type=_positive, default=10_000, help="how many the small database has that stands beside")
    number("--requests", type=_positive, default=300, help="requests of each kind of search and page")
    number("--operations", type=_positive, default=200, help="operations of each kind in a round")
    number("--rounds", type=_positive, default=5, help="rounds of operations; the median counts")
    number("--clients", type=_positive, default=8, help="the most clients at a time, beside one alone")
    number("--web-workers", type=_positive, default=CORES, help="processes of the web server")
    number("--due", type=_positive, default=10_000, help="timers, and webhooks, that are due at once")
    number("--armed", type=_positive, default=1_000_000, help="timers that are armed for later")
    number("--depth", type=_positive, default=1000, help="the page by cursor that is held to page 1")
    number("--memory-requests", type=_positive, default=100_000, help="requests after which memory is read")
    parser.add_argument("--only", action="append", choices=list(MEASUREMENTS), help="may be given several times")
    parser.add_argument("--output", type=Path, default=Path("var/benchmarks"), help="the folder of what is written")
    parser.add_argument(
        "--check", action="store_true", help="be quick, and exit with 1 where ratios or plans got worse"
    )
    return parser.parse_args()


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError("must be at least 1")
    return number


if __name__ == "__main__":
    sys.exit(main())
