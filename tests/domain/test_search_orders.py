"""The orders of the search: whatever is equal or missing, every run has one place, on the way there and back."""

from __future__ import annotations

import contextlib
import uuid
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import transaction
from django.utils.datastructures import MultiValueDict
from hypothesis import given
from hypothesis import strategies as st

from tests.cast import ENGINE, a_definition
from tests.domain.strategies import looking_at
from usertasks import operations
from usertasks.actors import Actor
from usertasks.errors import InvalidArgument
from usertasks.filters import Search
from usertasks.models import OPEN, Snooze, Status, UserTaskRun
from usertasks.models.orders import NEVER, ORDERS, Order, Position
from usertasks.operations import RunRequest

pytestmark = pytest.mark.django_db

NOON = datetime(2030, 6, 1, 12, tzinfo=UTC)
ALICE = Actor("alice", groups=frozenset({"finance", "it"}))
EVERYBODY = Actor("mona", permissions=frozenset({"view_usertaskrun"}))

IN_ORDER: dict[str, Callable[[Any], Any]] = {
    "newest": lambda run: (-run.scheduled_time.timestamp(), -run.id.int),
    "oldest": lambda run: (run.scheduled_time, run.id.int),
    "due": lambda run: ended(run) or (0, run.due_at or NEVER, run.id.int),
    "priority": lambda run: ended(run) or (0, -run.priority, run.due_at or NEVER, run.id.int),
}
"""What each promises, said once more in plain Python."""


def ended(run: Any) -> tuple[Any, ...] | None:
    """The place of a run that is not open, in an order of work: behind those that are, the newest first."""
    return None if run.status in OPEN else (1, -run.scheduled_time.timestamp(), -run.id.int)


rows = st.lists(
    st.fixed_dictionaries(
        {
            "priority": st.sampled_from([0, 50, 100]),
            "due_at": st.sampled_from([None, None, NOON, NOON + timedelta(microseconds=1), NEVER]),
            "scheduled_time": st.sampled_from([NOON, NOON, NOON + timedelta(seconds=1)]),
            "owner": st.sampled_from(
                [("alice", None), ("alice", "it"), (None, "it"), (None, "finance"), ("bob", None)]
            ),
            "is_snoozed": st.booleans(),
            "ends": st.sampled_from([None, None, Status.DONE, Status.CANCELLED]),
        }
    ),
    max_size=12,
)


@contextlib.contextmanager
def taken_back() -> Iterator[None]:
    """What an example writes is not there for the next one."""
    with transaction.atomic():
        yield
        transaction.set_rollback(True)


def made(rows: Sequence[dict[str, Any]]) -> list[UserTaskRun]:
    """Rows as they stand in the table: what the operations make of time and chance is not in the way."""
    definition = a_definition()
    runs = []
    for row in rows:
        user_id, user_group = row["owner"]
        more = {name: row[name] for name in ("priority", "due_at", "scheduled_time")}
        status = (row["ends"] if user_id else None) or (Status.ASSIGNED if user_id else Status.UNASSIGNED)
        more["completed_at"] = NOON if status == Status.DONE else None
        runs.append(
            UserTaskRun(
                definition=definition,
                user_task_def_name=definition.name,
                user_task_def_version=0,
                user_id=user_id,
                user_group=user_group,
                status=status,
                **more,
            )
        )
    UserTaskRun.objects.bulk_create(runs)
    snoozed = [run for run, row in zip(runs, rows, strict=True) if row["is_snoozed"]]
    Snooze.objects.bulk_create(Snooze(run=run, user_id="alice", until=NEVER) for run in snoozed)
    return runs


def walked(search: Search, limit: int, *, is_back: bool) -> list[uuid.UUID]:
    """Every id that paging gives, from the beginning, or from the end; in the order of the list."""
    ids: list[uuid.UUID] = []
    last = search.order.ended or search.order
    position: Position | None = last.position([_last(key, last) for key in last.keys]) if is_back else None
    while True:
        page = search.page(limit=limit, before=position) if is_back else search.page(limit=limit, after=position)
        found = [row.id for row in page.rows]
        ids = [*found, *ids] if is_back else [*ids, *found]
        if not page.has_more:
            return ids
        position = search.order.position_of(page.rows[0 if is_back else -1])


def _last(key: Any, order: Order) -> str:
    """Beyond every row of a test."""
    if order.is_falling:
        return {"id": "0" * 32}.get(key.name, "0001-01-01T00:00:00+00:00")
    return {"id": "f" * 32, "urgency": "1"}.get(key.name, "9999-12-31T23:59:59+00:00")


@pytest.mark.parametrize("sort", ORDERS)
@looking_at(examples=20)
@given(rows=rows, limit=st.integers(1, 4), snoozed=st.sampled_from([None, "true", "false"]))
def test_pages_have_each_run_once_and_in_order(
    sort: str, rows: list[dict[str, Any]], limit: int, snoozed: str | None
) -> None:
    with taken_back():
        runs = made(rows)
        asleep = {run.id for run, row in zip(runs, rows, strict=True) if row["is_snoozed"]}
        filters = {"sort": [sort], **({"snoozed": [snoozed]} if snoozed else {})}
        for by in (ALICE, EVERYBODY):
            seen = [run for run in runs if by is EVERYBODY or run.user_id != "bob"]
            own_asleep = asleep if by is ALICE else set()
            wanted = [run for run in seen if snoozed is None or (run.id in own_asleep) == (snoozed == "true")]
            in_order = [run.id for run in sorted(wanted, key=IN_ORDER[sort])]
            search = Search(MultiValueDict(filters), by=by)
            assert walked(search, limit, is_back=False) == in_order
            assert walked(search, limit, is_back=True) == in_order
            assert search.runs().count() == search.count() == len(in_order)


@pytest.mark.parametrize("sort", ["due", "priority"])
def test_a_place_among_what_has_ended_is_read_back_too(sort: str) -> None:
    with taken_back():
        [run] = made(
            [
                {
                    "priority": 50,
                    "due_at": None,
                    "scheduled_time": NOON,
                    "owner": ("alice", None),
                    "is_snoozed": False,
                    "ends": Status.DONE,
                }
            ]
        )
        place = ORDERS[sort].position_of(run)
        assert place.order != ORDERS[sort]
        assert ORDERS[sort].position(place.texts()) == place
        with pytest.raises(ValueError, match="keys"):
            ORDERS["newest"].position(place.texts())


@pytest.mark.parametrize("sort", ["", "newest,id", "-due", "Due", "\0"])
def test_an_order_that_there_is_not_is_refused(sort: str) -> None:
    with pytest.raises(InvalidArgument) as refused:
        Search(MultiValueDict({"sort": [sort]}), by=ALICE)
    assert list(refused.value.faults) == ["sort"]


def test_a_place_is_read_back_from_its_texts() -> None:
    request = RunRequest(user_task_def_name=a_definition().name, user_id="alice", due_at=NOON, priority=7)
    run = operations.create(request, by=ENGINE).run
    for order in ORDERS.values():
        place = order.position_of(run)
        assert order.position(place.texts()) == place


@pytest.mark.parametrize(
    ("sort", "texts"),
    [
        ("due", []),
        ("due", ["2030-01-01T00:00:00", "0" * 32]),
        ("due", ["2030-01-01T00:00:00+00:00", "x"]),
        ("due", ["0001-01-01T00:00:00+23:00", "0" * 32]),
        ("priority", ["9" * 5, "2030-01-01T00:00:00+00:00", "0" * 32]),
        ("priority", ["x", "2030-01-01T00:00:00+00:00", "0" * 32]),
        ("newest", ["2030-01-01T00:00:00+00:00", 7]),
        ("due", ["ended"]),
        ("priority", ["ended", "ended", "2030-01-01T00:00:00+00:00", "0" * 32]),
    ],
)
def test_a_place_that_is_none_is_refused(sort: str, texts: list[Any]) -> None:
    with pytest.raises(ValueError, match=r"\w"):
        ORDERS[sort].position(texts)
