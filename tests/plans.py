"""What searches cost: PostgreSQL's plans, with what really happened in each, and what of that is too much.

`violations` looks at whatever database is connected, so that the benchmark can ask it about its own data.
"""

from __future__ import annotations

import itertools
import json
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils.datastructures import MultiValueDict

from inbox.boxes import BOXES
from usertasks.actors import Actor
from usertasks.filters import FEW, LOOSE, WALKED, Search
from usertasks.models import Status
from usertasks.models.orders import ORDERS, Position

RUNS, EVENTS, SNOOZES = "usertasks_usertaskrun", "usertasks_usertaskevent", "usertasks_snooze"
LARGE = frozenset({RUNS, EVENTS, SNOOZES})
"""The tables that nobody may read from end to end."""

LIMIT = 50
PAGE = LIMIT + 1
"""Rows: one more than is shown says whether there are more."""


@dataclass(frozen=True)
class Cost:
    """What one statement took. The counts of a plan are averages of its loops, rounded.

    `scanned` are tables that were read from end to end; `rows` were read from each table, also those that were
    left out then; `entries` were read at once, at most, from an index that answers alone; `sorted` is the most that a
    sort was given.
    """

    scanned: frozenset[str]
    rows: Mapping[str, float]
    entries: float
    sorted: float
    nodes: Sequence[dict[str, Any]] = field(repr=False)

    @property
    def kinds(self) -> set[str]:
        return {node["Node Type"] for node in self.nodes}

    @property
    def tables(self) -> set[str]:
        return {node["Relation Name"] for node in self.nodes if "Relation Name" in node}

    @property
    def all_rows(self) -> float:
        return sum(self.rows.values())


def cost_of(sql: str, parameters: Any = None) -> Cost:
    """Run a statement, which changes nothing, and tell what it took."""
    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN (ANALYZE, TIMING OFF, BUFFERS OFF, FORMAT JSON) {sql}", parameters)
        answer = cursor.fetchone()[0]
    nodes = list(_nodes((json.loads(answer) if isinstance(answer, str) else answer)[0]["Plan"]))
    scans = [node for node in nodes if "Relation Name" in node and node["Actual Loops"]]
    sorts = [node["Plans"][0] for node in nodes if node["Node Type"] in ("Sort", "Incremental Sort")]
    rows: Counter[str] = Counter()
    for scan in scans:
        if scan["Node Type"] != "Index Only Scan":
            rows[scan["Relation Name"]] += _read(scan)  # type: ignore[assignment]
    # How often an index that answers alone looks into the table after all is the last vacuum's doing.
    alone = [scan for scan in scans if scan["Node Type"] == "Index Only Scan"]
    return Cost(
        scanned=frozenset(scan["Relation Name"] for scan in scans if scan["Node Type"] == "Seq Scan"),
        rows=rows,
        entries=max((_read(scan) / scan["Actual Loops"] for scan in alone), default=0),
        sorted=max((float(node["Actual Rows"]) * int(node["Actual Loops"]) for node in sorts), default=0),
        nodes=nodes,
    )


def costs_of(work: Callable[[], Any]) -> list[Cost]:
    """What each of the statements took that some work sends."""
    with CaptureQueriesContext(connection) as queries:
        work()
    return [cost_of(query["sql"]) for query in queries.captured_queries]


def _nodes(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield plan
    for part in plan.get("Plans", []):
        yield from _nodes(part)


def _read(node: dict[str, Any]) -> float:
    """Rows or entries, in all loops, also those that were left out."""
    left_out = node.get("Rows Removed by Filter", 0) + node.get("Rows Removed by Index Recheck", 0)
    return float(node["Actual Rows"] + left_out) * int(node["Actual Loops"])


type Filters = Mapping[str, Sequence[str]]


@dataclass(frozen=True)
class World:
    """Names in the data that is looked at: people, groups, of which `groups` are those of `me`, and what can be sought.

    `moments` are two, between which there is work. `frequent` says of how many runs it is, where a word or a workflow
    run is of more than a few.
    """

    me: str
    others: Sequence[str]
    groups: Sequence[str]
    other_groups: Sequence[str]
    definition: str
    moments: tuple[str, str]
    words: Sequence[str]
    workflows: Sequence[str]
    frequent: Mapping[str, int]

    def actors(self) -> Mapping[str, Actor]:
        return {
            "a holder": Actor(self.me, permissions=frozenset({"view_usertaskrun"})),
            "a member": Actor(self.me, groups=frozenset(self.groups)),
            "a lead": Actor(self.me, groups=frozenset(self.groups[:2]), leads=frozenset(self.other_groups[:5])),
            "a substitute": Actor(self.me, groups=frozenset(self.groups[:1]), stands_in_for=frozenset(self.others[:3])),
            "nobody": Actor(self.me),
        }

    def filters(self) -> Mapping[str, Sequence[Filters]]:
        """What each filter can ask for."""
        return {
            "status": [{"status": ["DONE"]}, {"status": ["UNASSIGNED"]}, {"status": ["ASSIGNED", "UNASSIGNED"]}],
            "definition": [{"user_task_def_name": [self.definition]}],
            "user": [{"user_id": [self.me]}, {"user_id": [self.others[0]]}],
            "group": [{"user_group": [self.groups[0]]}, {"user_group": [self.other_groups[0]]}],
            "range": [
                dict(zip(("earliest_start", "latest_start"), ([moment] for moment in self.moments), strict=True))
            ],
            "overdue": [{"overdue": ["true"]}, {"overdue": ["false"]}],
            "snoozed": [{"snoozed": ["true"]}, {"snoozed": ["false"]}],
            "text": [{"text": [word]} for word in self.words],
            "workflow": [{"wf_run_id": [workflow]} for workflow in self.workflows],
        }

    def alone(self) -> list[Filters]:
        """Nothing, and each filter by itself."""
        return [{}, *(one for asked in self.filters().values() for one in asked)]

    def combinations(self) -> list[Filters]:
        """The same, and each two of them."""
        kinds = self.filters()
        pairs = ({**one, **two} for a, b in itertools.combinations(kinds, 2) for one in kinds[a] for two in kinds[b])
        return [*self.alone(), *pairs]


def searches(world: World, by: Actor) -> Iterator[Search]:
    """Every box in every order; and all combinations, the orders taking turns from one to the next.

    Two filters at once are for those who see much: of a few runs, nothing is too much.
    """
    combinations = world.combinations() if by.holds("view_usertaskrun") or len(by.groups) > 2 else world.alone()
    for box, sort in itertools.product(BOXES.values(), ORDERS):
        if box.is_for(by):
            yield box.search(by, MultiValueDict({"sort": [sort]}))
    for filters, sort in zip(combinations, itertools.cycle(ORDERS), strict=False):
        yield Search(MultiValueDict({name: list(texts) for name, texts in filters.items()} | {"sort": [sort]}), by=by)


def violations(world: World, by: Actor) -> list[str]:
    """What is wrong with the plans of the first page, the one after it, the way back, and the count of each search."""
    wrong = []
    for search in searches(world, by):
        asked = f"{search.given} by {search.order.name}"
        page = search.page(limit=LIMIT)
        starts: list[dict[str, Position]] = [{}]
        if page.has_more:
            place = search.order.position_of(page.rows[-1])
            starts += [{"after": place}, {"before": place}]
        for start in starts:
            for cost in costs_of(lambda: search.page(limit=LIMIT, **start)):  # noqa: B023 # called at once
                wrong += [f"{asked}, {[*start]}: {flaw}" for flaw in flaws_of_page(search, cost, world)]
        for cost in costs_of(search.count):
            wrong += [f"{asked}, counted: {flaw}" for flaw in flaws_of_count(search, cost, world)]
    return wrong


def is_loose(search: Search) -> bool:
    """Whether it seeks by what has an index of its own, and no order."""
    return any(search.given.get(name, "false") != "false" for name in LOOSE)


def flaws_of_page(search: Search, cost: Cost, world: World) -> Iterator[str]:
    """What is read and sorted that need not be.

    - Rows: two pages, because a run can come by two ways; three, where that is all there is.
    - Keys to sort: a page for each way.
    - Words, a workflow run, what is snoozed: as many rows as are looked at one by one, or as there are where they are
      few; and the keys among which the next ones are found.
    - Where something else is asked as well that leaves less than a page of those looked at, all that have the word, or
      belong to the workflow run, are read and sorted. No index knows that nothing is left of them.
    - Entries of an index: a few. What is overdue in the order in which it was created, and what was created in May in
      the order in which it is due, is found by leaving out the open runs that lie between.
    """
    rows, keys = 3 * PAGE, PAGE * ways_of(search)
    if is_loose(search):
        rows, keys = FEW + 1, max(keys, 4 * WALKED)
        most = [world.frequent[str(text)] for text in search.given.values() if str(text) in world.frequent]
        if most and (len(search.given) > 1 or search.order.ended):
            rows, keys = max(rows, min(most) + PAGE), max(keys, min(most))
    if scanned := LARGE & cost.scanned:
        yield f"reads {sorted(scanned)} from end to end"
    if cost.rows.get(RUNS, 0) > rows:
        yield f"reads {cost.rows[RUNS]:.0f} rows, {rows} at most"
    if cost.entries > FEW + 1:
        yield f"reads {cost.entries:.0f} entries of an index, {FEW + 1} at most"
    if cost.sorted > keys:
        yield f"sorts {cost.sorted:.0f}, {keys} at most"


def ways_of(search: Search) -> int:
    """In how many ways a run can be seen, each with each status."""
    by = search.by
    return len(Status) * (1 + len(by.groups | by.leads) + 1 + len(by.stands_in_for))


def flaws_of_count(search: Search, cost: Cost, world: World) -> Iterator[str]:
    """A count reads indexes, but where it counts next to nothing.

    Of what has a word, what belongs to a workflow run and what one person has put off, rows are read: as many as these
    are, because the number is to be exact.
    """
    most = [world.frequent[str(text)] for text in search.given.values() if str(text) in world.frequent]
    rows = min(most, default=FEW) if is_loose(search) or "snoozed" in search.given else PAGE
    if scanned := LARGE & cost.scanned:
        yield f"reads {sorted(scanned)} from end to end"
    if cost.rows.get(RUNS, 0) > rows:
        yield f"reads {cost.rows[RUNS]:.0f} rows, {rows} at most"
    if cost.sorted > FEW:  # the snoozes of one person
        yield f"sorts {cost.sorted:.0f}"
