"""What a search costs at 100,000 runs: a page reads about a page, whatever is asked for and however deep it lies."""

from __future__ import annotations

import itertools
import uuid
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils.datastructures import MultiValueDict
from pytest_django import DjangoDbBlocker

from tests.plans import EVENTS, SNOOZES, World, cost_of, costs_of, violations
from tests.queries import crowd
from tests.queries.crowd import RUNS
from tests.queries.examining import examining, flaws_of
from tests.queries.shelves import SHELVES, asked_of
from tests.queries.world import world_of
from usertasks import feed
from usertasks.actors import Actor
from usertasks.filters import Search
from usertasks.models import Status
from usertasks.models.orders import Position, newest_position
from usertasks.workload import MOST_TIMED, Team, flow

pytestmark = [pytest.mark.postgresql, pytest.mark.usefixtures("_many_runs", "db")]

LIMIT = 50
HOLDER = Actor("user-7", permissions=frozenset({"view_usertaskrun"}))
MEMBER = Actor("user-7", groups=frozenset(f"group-{n}" for n in range(20)))
STATUSES: list[tuple[str, ...]] = [(), *((status,) for status in Status.values), ("UNASSIGNED", "ASSIGNED")]
RANGE = {"earliest_start": "2026-01-10T00:00:00Z", "latest_start": "2026-02-01T00:00:00Z"}
DEEP = newest_position(datetime(2026, 1, 20, tzinfo=UTC), uuid.UUID(int=2**127))
STARTS: list[dict[str, Position]] = [{}, {"after": DEEP}, {"before": DEEP}]


@pytest.fixture(scope="module")
def _many_runs(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[None]:
    """Written for good, so that the table can be vacuumed, and taken away at the end."""
    if connection.vendor != "postgresql":
        pytest.skip("needs PostgreSQL")
    with django_db_blocker.unblock():
        crowd.fill()
    yield
    with django_db_blocker.unblock():
        crowd.empty()


def executed(sql: str) -> list[dict[str, Any]]:
    """The nodes of the plan of a query, but for what it looks up of the snoozes of one person."""
    return [node for node in cost_of(sql).nodes if node.get("Relation Name") != SNOOZES]


def kinds_of(plan: Sequence[dict[str, Any]]) -> set[str]:
    return {node["Node Type"] for node in plan}


def rows_read(plan: Sequence[dict[str, Any]]) -> float:
    """From the table. How often an index that answers alone looks there after all is the last vacuum's doing."""
    return sum(
        float(node["Actual Rows"] + node.get("Rows Removed by Filter", 0)) * int(node["Actual Loops"])
        for node in plan
        if "Relation Name" in node and node["Node Type"] != "Index Only Scan"
    )


def entries_read(plan: Sequence[dict[str, Any]]) -> float:
    """The most entries that were read at once from an index that answers alone."""
    return max((float(node["Actual Rows"]) for node in plan if node["Node Type"] == "Index Only Scan"), default=0)


def rows_sorted(plan: Sequence[dict[str, Any]]) -> float:
    """The most that were sorted at once: what a sort was given."""
    sorts = [node["Plans"][0] for node in plan if node["Node Type"] in ("Sort", "Incremental Sort")]
    return max((float(node["Actual Rows"]) * int(node["Actual Loops"]) for node in sorts), default=0)


def queries_of(search: Search, start: dict[str, Position], limit: int = LIMIT) -> list[str]:
    with CaptureQueriesContext(connection) as queries:
        search.page(limit=limit, **start)
    return [query["sql"] for query in queries.captured_queries]


WORLD = World(
    me="user-7",
    others=["user-8", "user-9", "user-10"],
    groups=[f"group-{n}" for n in (5, *range(5), *range(6, 20))],
    other_groups=[f"group-{n}" for n in range(55, 60)],
    definition="form-3",
    moments=("2026-01-10T00:00:00Z", "2026-02-01T00:00:00Z"),
    words=["attachment", "apollo", "case-4711"],
    workflows=["wf-77", "wf-large"],
    frequent={"attachment": 30_000, "wf-large": 5_000},
)


@pytest.mark.parametrize("who", WORLD.actors())
def test_no_search_reads_or_sorts_more_than_it_may(who: str) -> None:
    """Every box in every order, each filter and each two of them: the first page, the next, the way back, the count."""
    assert violations(WORLD, WORLD.actors()[who]) == []


@pytest.mark.parametrize("by", [HOLDER, MEMBER], ids=["holder", "member of 20 groups"])
@pytest.mark.parametrize("user_group", [None, "group-5"])
@pytest.mark.parametrize("user_id", [None, "user-7"])
def test_a_page_reads_about_a_page(by: Actor, user_id: str | None, user_group: str | None) -> None:
    """However many of the filters that an index knows are asked for together, and however deep the page lies."""
    for statuses, name, has_range, start in itertools.product(STATUSES, (None, "form-3"), (False, True), STARTS[1:]):
        asked = {"user_task_def_name": name, "user_id": user_id, "user_group": user_group}
        given = {key: [value] for key, value in (asked | (RANGE if has_range else {})).items() if value}
        given |= {"status": list(statuses)} if statuses else {}
        for sql in queries_of(Search(MultiValueDict(given), by=by), start):
            plan = executed(sql)
            assert "Seq Scan" not in kinds_of(plan), (given, start)
            assert rows_read(plan) <= 2 * (LIMIT + 1), (given, start)
            assert entries_read(plan) <= LIMIT + 1, (given, start)


@pytest.mark.parametrize("by", [HOLDER, MEMBER], ids=["holder", "member of 20 groups"])
def test_the_runs_of_a_workflow_run_are_read_and_no_others(by: Actor) -> None:
    for statuses, start in itertools.product(STATUSES, STARTS):
        given = {"wf_run_id": ["wf-77"]} | ({"status": list(statuses)} if statuses else {})
        for sql in queries_of(Search(MultiValueDict(given), by=by), start):
            plan = executed(sql)
            assert "Seq Scan" not in kinds_of(plan), (given, start)
            assert rows_read(plan) <= 10, (given, start)


@pytest.mark.parametrize("by", [HOLDER, MEMBER], ids=["holder", "member of 20 groups"])
@pytest.mark.parametrize("sort", ["newest", "due"])
@pytest.mark.parametrize("limit", [200, 1000], ids=["the longest page of the API", "the longest of gRPC, and a bulk"])
def test_a_long_page_reads_a_long_page(by: Actor, sort: str, limit: int) -> None:
    search = Search(MultiValueDict({"sort": [sort]}), by=by)
    for cost in [*costs_of(lambda: search.page(limit=limit)), *costs_of(lambda: search.first_ids(limit))]:
        assert cost.scanned == frozenset()
        assert cost.all_rows <= limit + 1


def test_a_deep_page_starts_in_the_index() -> None:
    [sql] = queries_of(Search(MultiValueDict({"status": ["DONE"]}), by=HOLDER), {"after": DEEP})
    [scan] = [node for node in executed(sql) if "Relation Name" in node]
    assert "ROW(scheduled_time, id) <" in scan["Index Cond"]
    assert "Filter" not in scan


@pytest.mark.parametrize(
    "given",
    [
        {"status": ["ASSIGNED"], "user_id": ["user-7"]},
        {"status": ["UNASSIGNED"]},
        {"status": ["DONE"], "user_id": ["user-7"]},
    ],
    ids=["mine", "my groups", "done by me"],
)
def test_the_counts_of_the_boxes_read_nothing_but_an_index(given: dict[str, list[str]]) -> None:
    runs = Search(MultiValueDict(given), by=MEMBER).runs()
    with CaptureQueriesContext(connection) as queries:
        count = runs.count()
    [scan] = [node for node in executed(queries.captured_queries[0]["sql"]) if "Relation Name" in node]
    assert count > 0
    assert scan["Node Type"] == "Index Only Scan"
    assert (rows_read([scan]), entries_read([scan])) == (0, count)


@pytest.mark.parametrize("by", [HOLDER, MEMBER], ids=["holder", "member of 20 groups"])
@pytest.mark.parametrize("behind", [1, 20, 300], ids=["one behind", "20 behind", "300 behind"])
def test_who_follows_the_feed_reads_what_is_new_and_its_runs(by: Actor, behind: int) -> None:
    """Events and runs; the counts of a plan are averages, rounded."""
    with CaptureQueriesContext(connection) as queries:
        page = feed.events_after(RUNS - behind, limit=1000, by=by)
    assert page.next_after == RUNS
    assert page.events or behind < 300
    [_, sql] = [query["sql"] for query in queries.captured_queries]
    plan = executed(sql)
    assert "Seq Scan" not in kinds_of(plan)
    assert rows_read(plan) <= 3 * behind


@pytest.mark.parametrize("by", [HOLDER, MEMBER], ids=["holder", "member of 20 groups"])
@pytest.mark.parametrize("after", [0, RUNS // 2], ids=["from the beginning", "from the midst"])
def test_who_catches_up_reads_no_more_than_what_a_query_looks_at(by: Actor, after: int) -> None:
    with CaptureQueriesContext(connection) as queries:
        page = feed.events_after(after, limit=LIMIT, by=by)
    assert len(page.events) == LIMIT
    for sql in [query["sql"] for query in queries.captured_queries][1:]:
        assert rows_read(executed(sql)) <= 2 * feed.SCANNED


def test_the_end_of_the_feed_costs_a_look_at_an_index_and_at_its_head() -> None:
    with CaptureQueriesContext(connection) as queries:
        feed.read(RUNS, limit=LIMIT, by=MEMBER, now=datetime(2026, 1, 1, tzinfo=UTC))
    news, head = [executed(query["sql"]) for query in queries.captured_queries]
    assert kinds_of(news) <= {"Limit", "Index Only Scan", "Index Scan"}
    assert (rows_read(news), rows_read(head)) == (0, 1)


URGENT_PAGE = 10
"""Small beside what waits in each group: else to sort it would be quicker than to read it in order."""


@pytest.mark.parametrize("sort", ["due", "priority"])
@pytest.mark.parametrize(
    ("given", "ways"),
    [({"status": ["UNASSIGNED"]}, 20), ({"status": ["UNASSIGNED"], "user_group": ["group-5"]}, 1)],
    ids=["my 20 groups", "one of them"],
)
def test_what_waits_is_read_in_order_of_urgency(given: dict[str, list[str]], ways: int, sort: str) -> None:
    """Each group gives its first ones from an index, and no more than these are sorted."""
    search = Search(MultiValueDict({**given, "snoozed": ["false"], "sort": [sort]}), by=MEMBER.as_member())
    deep = search.order.position_of(search.page(limit=20).rows[-1])
    starts: list[dict[str, Position]] = [{}, {"after": deep}, {"before": deep}]
    for sql in [sql for start in starts for sql in queries_of(search, start, limit=URGENT_PAGE)]:
        plan = executed(sql)
        assert {"Seq Scan", "Bitmap Heap Scan"}.isdisjoint(kinds_of(plan))
        assert rows_sorted(plan) <= ways * (URGENT_PAGE + 1)
        assert rows_read(plan) <= (ways + 2) * (URGENT_PAGE + 1)


@pytest.mark.parametrize("sort", ["due", "priority"])
def test_my_own_work_is_read_and_no_other(sort: str) -> None:
    """It is so little that to sort it is quickest."""
    mine = {"status": ["ASSIGNED"], "user_id": ["user-7"], "snoozed": ["false"], "sort": [sort]}
    for by in (HOLDER, MEMBER):
        [sql] = queries_of(Search(MultiValueDict(mine), by=by), {})
        plan = executed(sql)
        assert "Seq Scan" not in kinds_of(plan)
        assert rows_read(plan) <= LIMIT


def test_words_are_looked_up_in_the_index_of_words() -> None:
    *_walk, sql = queries_of(Search(MultiValueDict({"text": ["form-3 nowhere"]}), by=MEMBER), {})
    plan = executed(sql)
    assert "run_words" in {node.get("Index Name") for node in plan}
    assert rows_read(plan) == 0


def test_no_request_reads_or_sorts_much(settings: Any) -> None:
    """Whatever is asked at whichever address. What may take more, and why, `tests/queries/examining.py` says."""
    settings.API_RATE = 0
    seen: set[str] = set()
    with world_of(2) as world:
        wrong = [
            f"{name}: {flaw} in {statement.sql}"
            for row in itertools.chain(*SHELVES.values())
            for name, statements in asked_of(row, world, lambda by: examining(by, seen)).items()
            for statement in statements
            for flaw in flaws_of(name, statement.cost)
        ]
    assert wrong == []


@pytest.mark.parametrize("team", [Team(None), Team(frozenset({"group-5"}))], ids=["everything", "a group"])
def test_the_times_of_a_team_are_those_of_the_newest_runs(team: Team) -> None:
    """What happened is read of these, and of no others, however much has happened before."""
    for cost in costs_of(lambda: flow(team, datetime(2026, 2, 4, tzinfo=UTC), days=30)):
        assert EVENTS not in cost.scanned
        assert cost.rows.get(EVENTS, 0) <= 2 * MOST_TIMED


def test_a_page_among_equal_moments_reads_a_page() -> None:
    """A batch of runs has one moment, and a page in its midst does not read the batch from its beginning.

    The last test of the file: what it writes is taken back, but an index alone no longer answers until the next vacuum.
    """
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE usertasks_usertaskrun DISABLE TRIGGER USER")
        cursor.execute("UPDATE usertasks_usertaskrun SET scheduled_time = '2027-01-01Z' WHERE status = 'UNASSIGNED'")
    middle = newest_position(datetime(2027, 1, 1, tzinfo=UTC), uuid.UUID(int=2**127))
    [sql] = queries_of(Search(MultiValueDict({"status": ["UNASSIGNED"]}), by=HOLDER), {"after": middle})
    assert rows_read(executed(sql)) <= LIMIT + 1
