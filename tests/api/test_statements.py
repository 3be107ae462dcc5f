"""How many statements a request sends: as few as a correct operation takes, and no more for a thousand runs."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import Group, User
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from tests.api.conftest import Caller
from tests.cast import FINANCE, a_definition, a_run, claimed_by
from tests.domain.test_hooks import BOTH
from usertasks import leads, operations
from usertasks.actors import actor_for
from usertasks.models import UserTaskRun

type As = Callable[[User], Caller]
type Make = Callable[..., UserTaskRun]

ANSWERS = {"results": {"requestedItem": "a", "justification": "b"}}
SNOOZE = {"until": (timezone.now() + timedelta(days=1)).isoformat()}
BATCH, BULK = "user-task-runs/batch/", "user-task-runs/bulk/"


def sent(caller: Caller, path: str, body: Any = None) -> list[str]:
    """The statements that a request sends; BEGIN and COMMIT, which are savepoints in a test, are not among them."""
    with CaptureQueriesContext(connection) as captured:
        caller.post(path, body)
    texts = [query["sql"] for query in captured.captured_queries]
    return [text for text in texts if not text.startswith(("SAVEPOINT", "RELEASE", "ROLLBACK"))]


@pytest.mark.parametrize(
    ("verb", "body", "is_claimed", "most"),
    [
        ("claim", {}, False, 4),  # who calls, the run with a lock, the run, the event
        ("release", {}, True, 4),
        ("save-progress", ANSWERS, True, 4),
        ("complete", ANSWERS, True, 4),
        ("complete", ANSWERS, False, 4),
        ("comments", {"comment": "Which colour?"}, True, 6),
        ("snooze", SNOOZE, True, 5),
    ],
    ids=["claim", "release", "save", "complete", "complete what nobody has", "comment", "snooze"],
)
def test_a_member_does_it_with_so_many(
    as_: As, alice: User, *, verb: str, body: Any, is_claimed: bool, most: int
) -> None:
    run, caller = claimed_by(alice) if is_claimed else a_run(), as_(alice)
    caller.get(f"user-task-runs/{run.id.hex}/")  # from now on the fields are known, and that the token is used
    statements = sent(caller, f"user-task-runs/{run.id.hex}/{verb}/", body)
    assert len(statements) <= most, statements


@pytest.mark.parametrize(("verb", "body"), [("assign", {"user_id": "bob"}), ("cancel", {})])
def test_a_manager_does_it_with_four(as_: As, mona: User, verb: str, body: Any) -> None:
    run, caller = a_run(), as_(mona)
    caller.get(f"user-task-runs/{run.id.hex}/")
    statements = sent(caller, f"user-task-runs/{run.id.hex}/{verb}/", body)
    assert len(statements) <= 4, statements


def test_the_next_one_is_claimed_with_so_many(as_: As, alice: User) -> None:
    run, caller = a_run(), as_(alice)
    caller.get(f"user-task-runs/{run.id.hex}/")
    statements = sent(caller, "user-task-runs/claim-next/")
    assert len(statements) <= 6, statements


def test_a_run_is_created_with_so_many(as_: As, service: User) -> None:
    caller, body = as_(service), {"user_task_def": {"name": a_definition().name}, "user_group": FINANCE}
    caller.get(f"user-task-runs/{a_run().id.hex}/")
    statements = sent(caller, "user-task-runs/", body)
    assert len(statements) <= 4, statements


def test_a_hundred_are_created_with_as_many_as_ten(as_: As, service: User) -> None:
    caller, one = as_(service), {"user_task_def": {"name": a_definition().name}, "user_group": FINANCE}
    caller.get("user-task-runs/")
    ten, hundred = (sent(caller, BATCH, {"runs": [one] * count}) for count in (10, 100))
    assert len(ten) == len(hundred), hundred


def of_somebody(**more: Any) -> UserTaskRun:
    return a_run(user_id="zoe", **more)


@pytest.mark.parametrize("is_dry_run", [False, True], ids=["for real", "dry run"])
@pytest.mark.parametrize(
    ("action", "arguments", "make"),
    [
        ("claim", {}, a_run),
        ("release", {}, of_somebody),
        ("assign", {"user_id": "bob", "override_claim": True}, of_somebody),
        ("complete", ANSWERS, a_run),
        ("cancel", {}, a_run),
    ],
)
def test_fifty_are_changed_with_as_many_as_five(
    as_: As, mona: User, *, action: str, arguments: Any, make: Make, is_dry_run: bool
) -> None:
    """Also where some are refused, and where timers lapse and are armed."""
    mona.groups.add(Group.objects.get_or_create(name=FINANCE)[0])
    caller, told = as_(mona), []
    caller.get("user-task-runs/")
    for count in (5, 50):
        ids = [make(actions=BOTH).id.hex for _ in range(count)]
        others = [operations.cancel(a_run(user_group="it").id, by=actor_for(mona)).id.hex for _ in range(count)]
        body = {"action": action, "ids": [*ids, *others], "arguments": arguments, "dry_run": is_dry_run}
        told.append(sent(caller, BULK, body))
    few, many = told
    assert abs(len(many) - len(few)) <= 1, many  # the first ones have the fields of the definition read
    assert len(many) <= 14, many
    changed = UserTaskRun.objects.filter(pk__in=ids, version__gt=1).count()
    assert changed == (0 if is_dry_run else 50)


def test_fifty_are_taken_back_with_as_many_as_five(as_: As, mona: User) -> None:
    caller, told = as_(mona), []
    for count in (5, 50):
        ids = [a_run(user_id=f"person-{number}", actions=BOTH).id.hex for number in range(count)]
        body = {"action": "assign", "ids": ids, "arguments": {"user_id": "bob", "override_claim": True}}
        undo = caller.post(BULK, body).json()["undo"]
        told.append(sent(caller, f"{BULK}{undo}/undo/"))
    assert len(told[0]) == len(told[1]), told[1]
    owners = UserTaskRun.objects.filter(pk__in=ids).values_list("user_id", flat=True)
    assert set(owners) == {f"person-{number}" for number in range(50)}


def test_a_lead_moves_fifty_with_as_many_as_five(as_: As, charlie: User, bob: User) -> None:
    """Whether the person is a member is asked once."""
    leads.appoint("charlie", FINANCE)
    caller, told = as_(charlie), []
    caller.get("user-task-runs/")
    for count in (5, 50):
        ids = [a_run().id.hex for _ in range(count)]
        body = {"action": "assign", "ids": ids, "arguments": {"user_id": "bob", "user_group": FINANCE}}
        told.append(sent(caller, BULK, body))
    assert len(told[1]) <= len(told[0]), told[1]
    assert UserTaskRun.objects.filter(user_id="bob").count() == 55
