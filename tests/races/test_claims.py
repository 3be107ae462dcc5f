"""Who calls at once is answered as if they had called one after the other, in some order."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping
from typing import Any

import pytest

from tests.cast import a_definition, a_run
from tests.races.crowd import at_once, codes
from usertasks import operations
from usertasks.actors import Actor
from usertasks.models import UserTaskField, UserTaskRun

pytestmark = [pytest.mark.postgresql, pytest.mark.django_db(transaction=True)]

FINANCE = frozenset({"finance"})
EVERYTHING = frozenset({"view_usertaskrun", "assign_usertaskrun", "cancel_usertaskrun", "override_claim"})


def waiting() -> UserTaskRun:
    """A run of finance that asks for an amount."""
    return a_run(a_definition("amount", [UserTaskField(name="amount", type="INT", required=False)]))


def test_of_a_hundred_who_claim_exactly_one_wins() -> None:
    run = waiting()
    people = [Actor(f"person-{n}", groups=FINANCE) for n in range(100)]
    answers = at_once([lambda by=by: operations.claim(run.id, by=by) for by in people])  # type: ignore[misc]
    assert sorted(codes(answers)) == ["already_claimed"] * 99 + ["done"]
    run.refresh_from_db()
    assert run.user_id == people[codes(answers).index("done")].user_id
    assert [event.type for event in run.events.all()] == ["created", "assigned"]


Call = Callable[[UserTaskRun], UserTaskRun]
ALICE, BOB = Actor("alice", groups=FINANCE), Actor("bob", groups=FINANCE)
MONA = Actor("mona", groups=FINANCE, permissions=EVERYTHING)
CALLS: Mapping[str, Call] = {
    "alice claims": lambda run: operations.claim(run.id, by=ALICE),
    "bob claims": lambda run: operations.claim(run.id, by=BOB),
    "mona assigns": lambda run: operations.assign(run.id, by=MONA, user_id="charlie"),
    "mona takes": lambda run: operations.assign(run.id, by=MONA, user_id="mona", override_claim=True),
    "alice saves": lambda run: operations.save_progress(run.id, {"amount": 1}, by=ALICE),
    "bob completes": lambda run: operations.complete(run.id, {"amount": 2}, by=BOB),
    "mona completes": lambda run: operations.complete(run.id, {}, by=MONA),
    "mona cancels": lambda run: operations.cancel(run.id, by=MONA),
    "alice releases": lambda run: operations.release(run.id, by=ALICE),
}
REPEATS = 4


def outcome_of(run: UserTaskRun, answers: list[Any]) -> tuple[Any, ...]:
    """The answers and all that is left of the run, without its times."""
    run = UserTaskRun.objects.get(pk=run.pk)
    events = [(event.number, event.type, event.actor, str(event.data)) for event in run.events.order_by("number")]
    left = (run.status, run.user_id, run.user_group, str(run.results), run.epoch, run.version)
    return (*codes(answers), left, tuple(events))


def one_after_the_other(first: Call, second: Call) -> tuple[Any, ...]:
    run = waiting()
    return outcome_of(run, [at_once([lambda: first(run)])[0], at_once([lambda: second(run)])[0]])


@pytest.mark.parametrize(("first", "second"), [*itertools.combinations_with_replacement(CALLS, 2)])
def test_two_calls_at_once_are_like_two_calls_in_some_order(first: str, second: str) -> None:
    one, other = CALLS[first], CALLS[second]
    there = one_after_the_other(one, other)
    back = one_after_the_other(other, one)
    serial = {there, (back[1], back[0], *back[2:])}
    for _ in range(REPEATS):
        run = waiting()
        answers = at_once([lambda run=run: one(run), lambda run=run: other(run)])  # type: ignore[misc]
        assert outcome_of(run, answers) in serial


def test_comments_are_numbered_without_gap_or_repetition() -> None:
    run = waiting()
    answers = at_once([lambda n=n: operations.add_comment(run.id, str(n), by=ALICE) for n in range(20)])  # type: ignore[misc]
    assert sorted(answer.number for answer in answers) == list(range(1, 21))
    assert [event.number for event in run.events.order_by("number")] == list(range(1, 22))


def test_of_many_who_saw_the_same_version_one_writes() -> None:
    run = operations.claim(waiting().id, by=ALICE)
    answers = at_once(
        [
            lambda n=n: operations.save_progress(run.id, {"amount": n}, by=ALICE, expected=run.version)  # type: ignore[misc]
            for n in range(12)
        ]
    )
    assert sorted(codes(answers)) == ["done"] + ["stale"] * 11
    run.refresh_from_db()
    assert run.results == {"amount": codes(answers).index("done")}
