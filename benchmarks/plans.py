"""How many statements lists and searches take, and how these are carried out: none reads a whole table, or sorts more
than some pages."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import TYPE_CHECKING, Any

from django.test import Client
from django.utils.module_loading import import_string

from .client import HOST
from .pages import Visitor
from .scale import LISTS
from .search import Tokens, kinds
from .stage import Stage

if TYPE_CHECKING:
    from tests.plans import Cost

LARGE = frozenset({"usertasks_usertaskrun", "usertasks_usertaskevent"})
"""What has many rows here; of other tables the whole is the quickest to read."""
EXAMPLES = 3
"""So many searches of each kind."""
MOST_SORTED = 2 * 51 * 21
"""Two pages for each of 20 groups and oneself."""
STATEMENTS_OF_A_SEARCH, STATEMENTS_OF_A_PAGE = 4, 12
"""At most, two more than there are. No ratio tells of them: the floor of a request has its statements, and so has the
same request on few runs."""


def complaints(stage: Stage) -> list[str]:
    """What is carried out as it should not be. A plan is looked at once the process remembers what it can."""
    costs_of = import_string("tests.plans.costs_of")  # it knows models, which are there once Django is set up
    found: list[str] = []
    for name, ask, most in _requests(stage):
        ask()
        costs = costs_of(ask)
        found += [f"{name}: {flaw}" for cost in costs for flaw in flaws(cost)]
        if len(costs) > most:
            found.append(f"{name}: takes {len(costs)} statements, {most} at most")
    return found


def _requests(stage: Stage) -> Iterator[tuple[str, Callable[[], Any], int]]:
    """What is asked for, by a request that is answered in this process, and how many statements that may take."""
    tokens = Tokens()
    for name, requests in kinds(stage, tokens):
        for request in requests[:EXAMPLES]:
            client = Client(SERVER_NAME=HOST, headers={"Authorization": f"Bearer {tokens[request.username]}"})
            yield f"search: {name}", partial(client.get, request.path), STATEMENTS_OF_A_SEARCH
    for name, username, path in LISTS:
        yield f"inbox: {name}", partial(Visitor(stage.port, username).inside.get, path), STATEMENTS_OF_A_PAGE


def flaws(cost: Cost) -> Iterator[str]:
    """What is wrong with a statement."""
    if scanned := cost.scanned & LARGE:
        yield f"reads all of {', '.join(sorted(scanned))}"
    if cost.sorted > MOST_SORTED:
        yield f"sorts {cost.sorted:,.0f} rows"
