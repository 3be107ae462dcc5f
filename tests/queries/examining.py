"""What each statement of a request takes in a large database, and which may take more than a few pages."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from typing import Any

from django.db import connection, transaction

from tests.plans import Cost, cost_of
from tests.queries.crowd import OPEN_RUNS, PEOPLE_THERE_ARE
from usertasks import feed
from usertasks.admin.run_filters import MOST_COUNTED
from usertasks.filters import FEW, WALKED

EXAMINED = re.compile(r"\s*(?:SELECT|WITH|UPDATE|DELETE|\()", re.IGNORECASE)
"""What an insert takes, depends on what is inserted."""

OF_PEOPLE = re.compile(
    r"auth_\w+|socialaccount_\w+|django_(?:admin_log|content_type)|pg_\w+|usertasks_(?:apitoken|grouplead|mailchoice"
    r"|preferences|savedfilter|substitution|usertaskdef|usertaskfield|webhookendpoint)"
)
"""The tables that grow with a company and not with its work: thousands of rows, which administrators may list."""
SOME_TIMES = 5
"""So often each of these rows may be read by one statement: everybody is in four groups."""
ALL = float("inf")


@dataclass(frozen=True)
class More:
    """Requests of which a statement may read more, or sort more, than those of others, and why."""

    requests: str
    bound: float
    reason: str


MORE = (
    More(r"GET api/v1/events/", feed.SCANNED, "So many events are looked at for a page of what one may see."),
    More(
        r"\w+ admin/usertasks/(?:delivery|mail|refusal|usertaskevent|usertaskrun)/",
        MOST_COUNTED,
        "A list of the admin is counted so far, and no further.",
    ),
    More(r"GET inbox/team/", OPEN_RUNS, "It tells of all the open work of a team."),
    More(r"\w+ admin/usertasks/usertaskdef/", OPEN_RUNS, "It tells how many open runs each definition has."),
    More(r"GET admin/usertasks/\w+/export/", ALL, "An export is everything."),
    More(r"GET admin/usertasks/usertaskevent/ .*by", ALL, "No index knows who did what: each event would pay for it."),
)


@dataclass(frozen=True)
class Examined:
    sql: str
    cost: Cost


def examining(by: str, seen: set[str]) -> Callable[[], AbstractContextManager[list[Examined]]]:
    """The statements that are sent meanwhile and not in `seen`, each with what it takes.

    Each is carried out once before, and that taken back.
    """

    @contextmanager
    def watch() -> Iterator[list[Examined]]:
        found: list[Examined] = []
        is_examining = False

        def examine(execute: Any, sql: str, parameters: Any, many: bool, context: Any) -> Any:
            nonlocal is_examining
            if not is_examining and not many and EXAMINED.match(sql) and (by + sql) not in seen:
                is_examining = True
                seen.add(by + sql)
                try:
                    with transaction.atomic():
                        found.append(Examined(sql, cost_of(sql, parameters)))
                        transaction.set_rollback(True)
                finally:
                    is_examining = False
            return execute(sql, parameters, many, context)

        with connection.execute_wrapper(examine):
            yield found

    return watch


def flaws_of(request: str, cost: Cost) -> Iterator[str]:
    """What one statement of a request reads and sorts that it need not."""
    bound = max((each.bound for each in MORE if re.match(each.requests, request)), default=0)
    of_people = SOME_TIMES * PEOPLE_THERE_ARE
    for table, rows in cost.rows.items():
        most = max(bound, of_people if OF_PEOPLE.fullmatch(table) else FEW)
        if rows > most:
            yield f"reads {rows:.0f} rows of {table}, {most:.0f} at most"
    is_of_people = all(OF_PEOPLE.fullmatch(table) for table in cost.tables)
    most = max(bound, of_people if is_of_people else 4 * WALKED)
    if cost.entries > most:
        yield f"reads {cost.entries:.0f} entries of an index, {most:.0f} at most"
    if cost.sorted > most:
        yield f"sorts {cost.sorted:.0f}, {most:.0f} at most"
