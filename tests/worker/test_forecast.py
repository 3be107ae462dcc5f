"""Whatever happens in whatever order: each hook is settled once, and the forecast says what a worker then does."""

from __future__ import annotations

import contextlib
import io
import json
from collections import Counter
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st
from pytest_django import Settings

from tests.cast import FINANCE, a_definition, a_run
from tests.domain.strategies import looking_at
from tests.worker.timers import DAY, GIVE_UP, HOUR, RELEASE, REMIND, on, running, states, types
from usertasks import forecast as forecasts
from usertasks import hooks, operations
from usertasks.actors import Actor
from usertasks.errors import Refused
from usertasks.forecast import forecast
from usertasks.models import ArmedHook, HookState, Status, UserTaskRun
from usertasks.worker import TaskHooks, work_off

pytestmark = pytest.mark.django_db

GROUPS = frozenset({FINANCE, "it"})
EVERYTHING = frozenset({"view_usertaskrun", "assign_usertaskrun", "cancel_usertaskrun", "override_claim"})
ALICE, MONA = Actor("alice", groups=GROUPS), Actor("mona", groups=GROUPS, permissions=EVERYTHING)
MINUTE = timedelta(minutes=1)

owners: st.SearchStrategy[dict[str, Any]] = st.sampled_from(
    [
        {"user_id": "alice", "user_group": FINANCE},
        {"user_id": "bob", "user_group": None},
        {"user_id": None, "user_group": FINANCE},
        {"user_id": None, "user_group": "it"},
    ]
)
deeds: st.SearchStrategy[dict[str, Any]] = (
    st.just({"task": running("send-reminder")})
    | st.builds(lambda owner: {"reassign": owner}, owners)
    | st.just({"cancel": {}})
)
actions = st.lists(
    st.builds(
        lambda hook, minutes, deed: on(hook, 60 * minutes, **deed),
        st.sampled_from(["ON_ARRIVAL", "ON_TASK_ASSIGNED"]),
        st.integers(0, 4),
        deeds,
    ),
    max_size=6,
)
waits = st.integers(0, 5).map(lambda minutes: ("wait", {"minutes": minutes}))
deals: st.SearchStrategy[tuple[str, dict[str, Any]]] = st.sampled_from(
    [("claim", {}), ("release", {}), ("complete", {"results": {}}), ("cancel", {}), ("save_progress", {"results": {}})]
)
handings = owners.map(lambda owner: ("assign", {**owner, "override_claim": True}))
steps = st.lists(waits | waits | deals | handings, max_size=10)


class Clock:
    """What everybody takes for the present."""

    def __init__(self) -> None:
        self.now = timezone.now()


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(timezone, "now", lambda: clock.now)
    monkeypatch.setattr(hooks, "MAX_ARMED", 12)
    return clock


@contextlib.contextmanager
def taken_back() -> Iterator[None]:
    with transaction.atomic():
        yield
        transaction.set_rollback(True)


def settled(run: UserTaskRun) -> dict[int, tuple[Any, ...]]:
    return {hook.pk: (hook.state, hook.settled_at) for hook in run.armed_hooks.exclude(state=HookState.ARMED)}


@looking_at(60)
@given(owner=owners, actions=actions, steps=steps)
def test_every_hook_is_settled_once_whatever_people_do(
    clock: Clock, owner: dict[str, Any], actions: list[dict[str, Any]], steps: list[tuple[str, dict[str, Any]]]
) -> None:
    with taken_back():
        run = a_run(a_definition("nothing", []), actions=actions, **owner)
        for verb, arguments in [*steps, ("wait", {"days": 1})]:
            before = settled(run)
            if verb == "wait":
                clock.now += timedelta(**arguments)
                work_off([TaskHooks()], clock.now)
                assert not ArmedHook.objects.due(clock.now).exists()
            else:
                with contextlib.suppress(Refused):
                    getattr(operations, verb)(run.id, by=MONA, **arguments)
            after = settled(run)
            assert {pk: after[pk] for pk in before} == before
        run.refresh_from_db()
        ran = Counter(event.data["hook_id"] for event in run.events.filter(type="task_executed"))
        fired = run.armed_hooks.filter(state=HookState.FIRED)
        assert ran == Counter(fired.filter(action="task").values_list("pk", flat=True))
        assert run.is_open or not run.armed_hooks.armed().exists()
        assert (
            fired.filter(action="cancel").count() == run.events.filter(type="cancelled", data__has_key="hook").count()
        )


def fact(hook: ArmedHook, at: datetime | None, reason: str | None) -> tuple[Any, ...]:
    return (at, hook.due_at, hook.hook, hook.action, json.dumps(hook.arguments), hook.epoch, reason or "")


@looking_at(120)
@given(owner=owners, actions=actions, late=st.sampled_from([0, 0, 2, 3]), minutes=st.integers(0, 12))
def test_the_forecast_is_what_a_worker_then_does(
    clock: Clock, owner: dict[str, Any], actions: list[dict[str, Any]], late: int, minutes: int
) -> None:
    with taken_back():
        run = a_run(a_definition("nothing", []), actions=actions, **owner)
        clock.now += late * MINUTE  # as long no worker was there
        until = clock.now + minutes * MINUTE
        foretold = [fact(one.hook, one.at, one.reason) for one in forecast(now=clock.now, until=until)]
        assert not settled(run)
        while due := ArmedHook.objects.due(until).first():
            clock.now = max(clock.now, due.next_attempt_at)
            work_off([TaskHooks()], clock.now)
        done = run.armed_hooks.exclude(state=HookState.ARMED)
        assert sorted(foretold) == sorted(fact(hook, hook.settled_at, hook.reason) for hook in done)
        assert [at for at, *_ in foretold] == sorted(at for at, *_ in foretold)


def test_runs_are_foretold_in_one_order_with_a_fixed_number_of_queries_for_many(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(forecasts, "RUNS_AT_ONCE", 10)
    definition = a_definition()
    for number in range(25):
        a_run(definition, user_id="alice", actions=[on("ON_ARRIVAL", 60 * (30 - number), task=REMIND["task"]), RELEASE])
    now = timezone.now()
    with CaptureQueriesContext(connection) as queries:
        foretold = list(forecast(now=now, until=now + 2 * DAY))
    assert len(queries) == 6  # the first hooks with their runs, and all their hooks: three times
    assert len(foretold) == 50
    assert [one.at for one in foretold] == sorted(one.at for one in foretold)


def printed(*arguments: str) -> list[str]:
    out = io.StringIO()
    call_command("fire_hooks", *arguments, stdout=out, stderr=out)
    return out.getvalue().splitlines()


def test_a_dry_run_prints_what_would_happen_and_changes_nothing() -> None:
    assign = on("ON_ARRIVAL", 7200, reassign={"user_id": "bob"})
    run = a_run(user_id="alice", actions=[REMIND, assign, RELEASE, GIVE_UP])
    before = list(run.armed_hooks.values())
    *lines, total = printed("--at", "+4d", "--dry-run")
    assert [line.split("  ")[1].strip() for line in lines] == ["fires", "fires", "lapses", "fires", "fires"]
    assert [line.split("  ")[-1] for line in lines] == [
        "Send a reminder",
        "Give the task to bob",
        "Release the task to the group finance (the task had changed hands)",
        "Release the task to the group finance (follows from the above)",
        "Cancel the task",
    ]
    assert all(f"  {run.id.hex}  it-request v0  ON_" in line for line in lines)
    assert "4 would fire, 1 would lapse" in total
    assert list(run.armed_hooks.values()) == before
    assert types(run) == ["created"]


@pytest.mark.parametrize("at", ["+30m", "+0s", "2000-01-01T00:00:00Z"])
def test_a_dry_run_until_a_moment_at_which_nothing_is_due(at: str) -> None:
    a_run(user_id="alice", actions=[REMIND])
    (total,) = printed("--dry-run", "--at", at)
    assert "0 would fire, 0 would lapse" in total


def test_what_is_due_is_fired_and_told() -> None:
    due, later = a_run(actions=[on("ON_ARRIVAL", 0, cancel={}), REMIND]), a_run(actions=[REMIND])
    lines = printed()
    assert [line.split()[1] for line in lines[:-1]] == ["fired", "lapsed"]
    assert all(due.id.hex in line for line in lines[:-1])
    assert lines[-1] == "1 fired, 1 lapsed, 0 failed and will be tried again."
    due.refresh_from_db()
    assert due.status == Status.CANCELLED
    assert states(later) == [("task", "armed", "")]


def test_a_time_in_the_future_fires_early_in_the_same_order() -> None:
    run = a_run(user_id="alice", actions=[GIVE_UP, RELEASE, REMIND])
    lines = printed("--at", (timezone.now() + 2 * DAY).isoformat())
    assert lines[0] == "2 were not due yet: they were fired early."
    done = [line.split("  ")[-1] for line in lines[1:-1]]
    assert done == ["Send a reminder", "Release the task to the group finance"]
    assert types(run) == ["created", "task_executed", "assigned"]
    run.refresh_from_db()
    assert run.status == Status.UNASSIGNED
    assert run.armed_hooks.armed().get().action == "cancel"
    assert max(event.time for event in run.events.all()) <= timezone.now()


def test_firing_early_does_not_go_on_with_what_is_armed_by_it() -> None:
    actions = [on("ON_TASK_ASSIGNED", 60, reassign={"user_id": name}) for name in ("bob", "alice")]
    run = a_run(user_id="alice", actions=actions)
    printed("--at", "+1d")
    assert states(run) == [
        ("reassign", "fired", ""),
        ("reassign", "lapsed", "reassigned"),
        ("reassign", "armed", ""),
        ("reassign", "armed", ""),
    ]


def test_firing_early_leaves_alone_what_a_worker_has_taken() -> None:
    run = a_run(user_id="alice", actions=[on("ON_ARRIVAL", 0, task=REMIND["task"])])
    (taken,) = TaskHooks().take(timezone.now(), 10)
    assert printed("--at", "+1d") == ["0 fired, 0 lapsed, 0 failed and will be tried again."]
    TaskHooks().settle(taken, TaskHooks().perform(taken), timezone.now())
    assert states(run) == [("task", "fired", "")]


def test_what_goes_wrong_is_told(deployment: Settings) -> None:
    a_run(actions=[on("ON_ARRIVAL", 0, task=running("fail"))])
    lines = printed()
    assert "failed" in lines[0]
    assert lines[0].endswith("(TaskFailed: ZeroDivisionError)")
    assert lines[1] == "0 fired, 0 lapsed, 1 failed and will be tried again."


@pytest.mark.parametrize(
    "at", ["tomorrow", "2026-11-30", "2026-11-30T09:00:00", "+", "+2", "+d", "2d", "+99999999d", "+1h2d", "", "+٣d"]
)
def test_a_time_that_cannot_be_read_is_refused(at: str) -> None:
    with pytest.raises(CommandError, match="--at"):
        printed("--dry-run", "--at", at)


def test_a_time_that_has_passed_is_for_dry_runs() -> None:
    with pytest.raises(CommandError, match="has passed"):
        printed("--at", (timezone.now() - HOUR).isoformat())
