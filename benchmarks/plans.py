"""How the statements of lists and searches are carried out: none reads a whole table, or sorts more than some pages."""

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


def complaints(stage: Stage) -> list[str]:
    """What is carried out as it should not be. A plan is looked at once the process remembers what it can."""
    costs_of = import_string("tests.plans.costs_of")  # it knows models, which are there once Django is set up
    found: list[str] = []
    for name, ask in _requests(stage):
        ask()
        found += [f"{name}: {flaw}" for cost in costs_of(ask) for flaw in flaws(cost)]
    return found


def _requests(stage: Stage) -> Iterator[tuple[str, Callable[[], Any]]]:
    """Requests that are answered in this process, and what they are."""
    tokens = Tokens()
    for name, requests in kinds(stage, tokens):
        for request in requests[:EXAMPLES]:
            client = Client(SERVER_NAME=HOST, headers={"Authorization": f"Bearer {tokens[request.username]}"})
            yield name, partial(client.get, request.path)
    for name, username, path in LISTS:
        yield f"inbox: {name}", partial(Visitor(stage.port, username).inside.get, path)


def flaws(cost: Cost) -> Iterator[str]:
    """What is wrong with a statement."""
    if scanned := cost.scanned & LARGE:
        yield f"reads all of {', '.join(sorted(scanned))}"
    if cost.sorted > MOST_SORTED:
        yield f"sorts {cost.sorted:,.0f} rows"
