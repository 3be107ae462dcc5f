"""Beside Viewflow: the inbox, the queue, a claim and a completion, of both in turns, on the same tasks.

What was chosen for Viewflow stands in `benchmarks/viewflow/__init__.py`. Every request is one that a browser sends:
with a session, with a form's CSRF token, with the compression that it asks for. A page counts up to its last byte; a
form up to the redirect that answers it, which is not followed.
"""

from __future__ import annotations

import gzip
import json
import re
import statistics
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from tempfile import TemporaryDirectory
from typing import Any

import psycopg
from django.conf import settings
from django.db import connection
from django.test.utils import CaptureQueriesContext

from . import data
from .browser import Browser, Form, form_in, token_in
from .goals import Finding
from .pages import MEMBER, Visitor
from .report import Table
from .stage import Stage, tell
from .timing import Act, Times, in_turns, milliseconds, p50, p95, per_second
from .viewflow import data as viewflow_data
from .viewflow.peer import NotInstallable, Peer, running_peer

COLUMNS = (
    "what",
    "clients",
    "unit",
    "ours",
    "Viewflow",
    "ratio",
    "ours p95",
    "Viewflow p95",
    "ours SQL",
    "Viewflow SQL",
    "ours kB",
    "Viewflow kB",
    "ours rows",
    "Viewflow rows",
)
NOTES = (
    "`ms`: the median time of one request, with one client, both in turns. `a second`: how many that many clients get "
    "done at once, the median of the rounds. `ratio`: how many times as fast ours is. `SQL`: statements of a request, "
    "BEGIN and COMMIT among them, counted inside of both.",
    "Pages count to the last byte, compressed as a browser asks for them (Viewflow's project compresses nothing: its "
    "kB are what gzip would make of the page); `rows` is how many tasks the page lists. Claim and complete are the "
    "forms of the pages, with session and CSRF token, up to the redirect.",
    "Both have the same people, groups and tasks, PostgreSQL, Django, web server, processes, threads and pool. "
    "Viewflow's queue lists every process that waits in it in a filter, as it ships.",
)
SECONDS_FOR_A_ROW, LEAST_REQUESTS = 60.0, 20
INBOX_OF = 30
"""About so many tasks lie in the inbox that is looked at: more than a page of either."""
OUR_ROW, VIEWFLOW_ROW = re.compile('<li class="row[ "]'), re.compile("<tr data-row-id=")


@dataclass(frozen=True)
class Page:
    name: str
    username: str
    ours: str
    viewflow: str


@dataclass(frozen=True)
class Side:
    """One of the two systems, with somebody who presses buttons there, again and again."""

    browser: Callable[[], Browser]
    waiting: Callable[[int], Sequence[Any]]
    """So many new tasks, as the forms' paths name them."""
    claim_path: Callable[[Any], str]
    complete_path: Callable[[Any], str]
    claim_form: Form
    complete_form: Form
    done: Callable[[], int]
    """How many tasks of the workshop are completed by now."""
    statements: Callable[[str, Form], int]
    """How many a form sends to the database when it is sent there."""

    def claim(self, browser: Browser, task: Any) -> None:
        browser.submit(self.claim_path(task), self.claim_form.content_type, self.claim_form.body)

    def complete(self, browser: Browser, task: Any) -> None:
        browser.submit(self.complete_path(task), self.complete_form.content_type, self.complete_form.body)

    @contextmanager
    def all_done(self, count: int) -> Iterator[None]:
        """So many tasks are completed in the block, or `RuntimeError`: a redirect alone may lead anywhere."""
        before = self.done()
        yield
        if (done := self.done() - before) != count:
            raise RuntimeError(f"Of {count} tasks {done} were completed.")


def measure(stage: Stage) -> Table:
    try:
        with TemporaryDirectory(prefix="usertasks-viewflow-") as folder, running_peer(stage, folder) as peer:
            return _measured(stage, peer)
    except NotInstallable as reason:
        tell(f"beside: {reason}")
        return Table("Beside Viewflow", COLUMNS, (), (f"Not measured: {reason}",))


def _measured(stage: Stage, peer: Peer) -> Table:
    pages = [_page_row(stage, peer, page) for page in _pages(stage)]
    with _our_side(stage) as ours, _viewflow_side(peer) as viewflow:
        alone = _alone(stage, ours, viewflow)
        crowd = _crowd(stage, ours, viewflow)
    findings = (
        Finding("pages beside", {row[0]: row[5] for row in pages}),
        Finding("actions beside", {f"{row[0]}, {row[1]} at a time": row[5] for row in (*alone, *crowd)}),
    )
    return Table("Beside Viewflow", COLUMNS, [*pages, *alone, *crowd], NOTES, findings)


def _pages(stage: Stage) -> Sequence[Page]:
    """The inbox of somebody with a page of tasks and a bit more, and the queues of that person and of a busy one."""
    with stage.connect() as database:
        ((person,),) = data.rows_of(
            database,
            "SELECT user_id FROM usertasks_usertaskrun WHERE status = 'ASSIGNED' AND user_id LIKE 'person-%%'"
            " GROUP BY user_id ORDER BY abs(count(*) - %s), user_id LIMIT 1",
            INBOX_OF,
        )
    return (
        Page("inbox", person, "/inbox/", "/purchase/inbox/"),
        Page("queue, of a few groups", person, "/inbox/groups/", "/purchase/queue/"),
        Page("queue, of 20 groups", MEMBER, "/inbox/groups/", "/purchase/queue/"),
    )


def _page_row(stage: Stage, peer: Peer, page: Page) -> Sequence[Any]:
    tell(f"beside: {page.name}")
    visitor, cookie = Visitor(stage.port, page.username), peer.cookies_of([page.username])[page.username]
    with _our_browser(stage, visitor) as ours, Browser(peer.port, cookie) as viewflow:
        acts = (partial(ours.get, page.ours), partial(viewflow.get, page.viewflow))
        times = in_turns([acts], _count(stage, acts))
        texts = ours.page(page.ours), viewflow.page(page.viewflow)
        size = len(ours.get(page.ours))
    asked = {"cookie": cookie, "method": "GET", "path": page.viewflow, "body": "", "expected": 200}
    return (
        page.name,
        1,
        "ms",
        *_compared(times),
        visitor.statements(page.ours),
        *peer.statements([asked]),
        size / 1000,
        len(gzip.compress(texts[1].encode(), 6)) / 1000,
        len(OUR_ROW.findall(texts[0])),
        len(VIEWFLOW_ROW.findall(texts[1])),
    )


def _count(stage: Stage, acts: Sequence[Act]) -> int:
    """As many requests as were asked for and fit into the time of a row, after some that warm both up."""
    for act in (*acts, *acts, *acts, *acts):
        act()
    seconds = sum(milliseconds(act) for act in acts) / 1000
    return min(stage.options.requests, max(LEAST_REQUESTS, int(SECONDS_FOR_A_ROW / seconds)))


def _compared(times: tuple[Times, Times]) -> Sequence[float]:
    """The medians, how many times as fast ours is, and the 95th percentiles."""
    ours, viewflow = times
    return (p50(ours), p50(viewflow), p50(viewflow) / p50(ours), p95(ours), p95(viewflow))


def _alone(stage: Stage, ours: Side, viewflow: Side) -> list[Sequence[Any]]:
    """One client, in turns: each claims the tasks, then completes them."""
    tell("beside: claim and complete, alone")
    statements = list(zip(_statements(ours), _statements(viewflow), strict=True))
    count = stage.options.requests
    tasks = list(zip(ours.waiting(count), viewflow.waiting(count), strict=True))
    rows: list[Sequence[Any]] = []
    with ours.all_done(count), viewflow.all_done(count), ours.browser() as our_browser, viewflow.browser() as other:
        for name, counted in zip(("claim", "complete"), statements, strict=True):
            press_ours, press_other = getattr(ours, name), getattr(viewflow, name)
            pairs = [(partial(press_ours, our_browser, run), partial(press_other, other, step)) for run, step in tasks]
            rows.append((name, 1, "ms", *_compared(_turn_about(pairs)), *counted, "", "", "", ""))
    return rows


def _turn_about(pairs: Sequence[tuple[Act, Act]]) -> tuple[Times, Times]:
    """In turns, where each act can be done only once; in the second half the other side goes first."""
    middle = len(pairs) // 2
    ours, viewflow = in_turns(pairs[:middle], middle) if middle else ([], [])
    swapped = [(other, own) for own, other in pairs[middle:]]
    viewflow_later, ours_later = in_turns(swapped, len(swapped))
    return ours + ours_later, viewflow + viewflow_later


def _crowd(stage: Stage, ours: Side, viewflow: Side) -> list[Sequence[Any]]:
    """Several clients at once; who begins changes with every round."""
    clients, sides = stage.options.clients, {"ours": ours, "Viewflow": viewflow}
    rates: list[dict[str, float]] = []
    for number in range(stage.options.rounds):
        tell(f"beside: claim and complete, {clients} at a time, round {number + 1} of {stage.options.rounds}")
        found: dict[str, float] = {}
        for name in sorted(sides, reverse=bool(number % 2)):
            found |= {f"{verb} {name}": rate for verb, rate in _one_round(stage, sides[name]).items()}
        rates.append(found)
    rows: list[Sequence[Any]] = []
    for verb in ("claim", "complete"):
        own, other = (statistics.median(found[f"{verb} {name}"] for found in rates) for name in ("ours", "Viewflow"))
        rows.append((verb, clients, "a second", own, other, own / other, "", "", "", "", "", "", "", ""))
    return rows


def _one_round(stage: Stage, side: Side) -> dict[str, float]:
    """How many claims and completions a second, over new connections: the server closes idle ones."""
    tasks = side.waiting(stage.options.operations)
    with ExitStack() as stack:
        browsers = [stack.enter_context(side.browser()) for _ in range(stage.options.clients)]
        stack.enter_context(side.all_done(len(tasks)))
        return {
            "claim": per_second(browsers, tasks, side.claim),
            "complete": per_second(browsers, tasks, side.complete),
        }


def _statements(side: Side) -> tuple[int, int]:
    """Of a claim and of a completion."""
    first, sample = side.waiting(2)
    found = (0, 0)
    for task in (first, sample):  # the first one fills what a process remembers
        found = (
            side.statements(side.claim_path(task), side.claim_form),
            side.statements(side.complete_path(task), side.complete_form),
        )
    return found


def _our_browser(stage: Stage, visitor: Visitor) -> Browser:
    cookie = visitor.inside.cookies[settings.SESSION_COOKIE_NAME]
    return Browser(stage.port, f"{cookie.key}={cookie.value}")


@contextmanager
def _our_side(stage: Stage) -> Iterator[Side]:
    visitor = Visitor(stage.port, data.WORKER)
    browser = partial(_our_browser, stage, visitor)

    def path(run: str) -> str:
        return f"/inbox/tasks/{run}/"

    def statements(where: str, form: Form) -> int:
        with CaptureQueriesContext(connection) as captured:
            answer = visitor.inside.generic("POST", where, form.body, form.content_type)
        if answer.status_code != 302:
            raise RuntimeError(f"POST {where} was answered with {answer.status_code}.")
        return len(captured)

    with stage.connect() as database, browser() as first:
        (run,) = data.waiting_runs(database, 1)
        claim = form_in(first.page(path(run)), "task-form").with_fields(action="claim")
        first.submit(path(run), claim.content_type, claim.body)
        blank = form_in(first.page(path(run)), "task-form")
        answers = {f"results-{name}": _typed(value) for name, value in data.ANSWERS.items()}
        answers["results-kind"] = json.dumps(data.ANSWERS["kind"])  # choices may be of any type, so JSON is sent
        yield Side(
            browser=browser,
            waiting=partial(data.waiting_runs, database),
            claim_path=path,
            complete_path=path,
            claim_form=claim,
            complete_form=blank.with_fields(**answers, action="complete"),
            done=partial(_done, database),
            statements=statements,
        )


@contextmanager
def _viewflow_side(peer: Peer) -> Iterator[Side]:
    cookie = peer.cookies_of([data.WORKER])[data.WORKER]
    browser = partial(Browser, peer.port, cookie)

    def statements(where: str, form: Form) -> int:
        asked = {"cookie": cookie, "method": "POST", "path": where, "body": form.body.decode(), "expected": 302}
        return peer.statements([asked])[0]

    with peer.connect() as database, browser() as first:
        (task,) = viewflow_data.waiting(database, 1, data.WORKSHOP)
        claim = Form({"csrfmiddlewaretoken": token_in(first.page(task.path("assign")))})
        answers = {name: _typed(value) for name, value in data.ANSWERS.items()} | {"urgent": "on", "needed_by": ""}
        yield Side(
            browser=browser,
            waiting=lambda count: viewflow_data.waiting(database, count, data.WORKSHOP),
            claim_path=lambda waiting: waiting.path("assign"),
            complete_path=lambda waiting: waiting.path("execute"),
            claim_form=claim,
            complete_form=claim.with_fields(**answers),
            done=partial(viewflow_data.done, database, data.WORKSHOP),
            statements=statements,
        )


def _typed(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _done(database: psycopg.Connection) -> int:
    ((count,),) = data.rows_of(
        database,
        "SELECT count(*) FROM usertasks_usertaskrun WHERE user_group = %s AND status = 'DONE'",
        data.WORKSHOP,
    )
    return int(count)
