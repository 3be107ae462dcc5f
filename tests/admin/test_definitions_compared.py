"""What a new version changes against the newest one, and how many runs stay where they are."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st

from tests.cast import a_definition, a_run, done_by
from usertasks import drafts
from usertasks.actors import actor_for
from usertasks.admin.definition_changes import Design, FieldChange, PartChange, changes_between, moved_among
from usertasks.admin.open_runs import OpenRuns, counts_of, open_runs_of
from usertasks.models import UserTaskField


def a_design(*fields: UserTaskField, description: str = "", timers: tuple[str, ...] = ()) -> Design:
    return Design(description, [field.content() for field in fields], timers)


def a_field(name: str, kind: str = "STR", **parts: Any) -> UserTaskField:
    return UserTaskField(name=name, type=kind, **parts)


def fields_named(names: str) -> Design:
    return a_design(*(a_field(name) for name in names))


def test_the_same_twice_differs_in_nothing() -> None:
    assert not changes_between(fields_named("abc"), fields_named("abc"))


def test_fields_are_added_and_removed() -> None:
    changes = changes_between(fields_named("abc"), fields_named("axcy"))
    assert (changes.added, changes.removed, changes.changed) == (["x", "y"], ["b"], [])


@pytest.mark.parametrize(
    ("before", "after", "moved"),
    [
        ("abcd", "bcda", {"a": (1, 4)}),
        ("abcd", "dabc", {"d": (4, 1)}),
        ("abc", "acb", {"c": (3, 2)}),
        ("abcd", "bd", {}),
        ("ab", "xaby", {}),
    ],
)
def test_only_what_moves_is_called_moved(before: str, after: str, moved: dict[str, tuple[int, int]]) -> None:
    changes = changes_between(fields_named(before), fields_named(after))
    assert {change.name: (change.was_at, change.comes_to) for change in changes.changed} == moved


@given(st.permutations(range(12)))
def test_the_fields_that_do_not_move_keep_their_order(places: list[int]) -> None:
    moved = moved_among(places)
    staying = [place for index, place in enumerate(places) if index not in moved]
    assert all(one < next_one for one, next_one in pairwise(staying))
    assert len(staying) >= 1


def test_each_part_of_a_field_says_what_it_was_and_becomes() -> None:
    old = a_field("a", "STR", display_name="Item", validation={"max_length": 80, "choices": ["x", "y"]})
    new = a_field("a", "STR", required=False, validation={"choices": ["x"]}, presentation={"widget": "radio"})
    [change] = changes_between(a_design(old), a_design(new)).changed
    assert change == FieldChange(
        "a",
        [
            PartChange("display name", "Item", "nothing"),
            PartChange("required", "yes", "no"),
            PartChange("validation: max_length", "80", "nothing"),
            PartChange("validation: choices", "x, y", "x"),
            PartChange("presentation: widget", "nothing", "radio"),
        ],
    )


def test_numbers_are_compared_by_what_they_are_worth() -> None:
    old, new = a_field("a", "DOUBLE", validation={"min": 1}), a_field("a", "DOUBLE", validation={"min": 1.0})
    assert not changes_between(a_design(old), a_design(new))


def test_the_description_and_the_timers_are_compared_too() -> None:
    changes = changes_between(a_design(description="old", timers=("one",)), a_design(timers=("one", "two")))
    assert changes.parts == [PartChange("description", "old", "nothing"), PartChange("timers", "one", "one\ntwo")]


def test_open_runs_are_counted_by_version_with_the_drafts_on_them(
    alice: User, bob: User, django_assert_num_queries: Any
) -> None:
    first = a_definition()
    runs = [a_run(), a_run()]
    done_by(alice)
    a_definition(fields=[a_field("a")])
    newer = a_run(a_definition(fields=[a_field("a")]))
    a_run(a_definition("other"))
    for user, run in ((alice, runs[0]), (bob, runs[0]), (bob, newer)):
        writing = drafts.Writing({"results-requestedItem": ["x"]})
        drafts.write(run.id, writing, by=actor_for(user), now=timezone.now())
    with django_assert_num_queries(2):
        assert open_runs_of(first.name) == [OpenRuns(1, 1, 1), OpenRuns(0, 2, 2)]
    with django_assert_num_queries(1):
        assert counts_of(["it-request", "other"]) == {("it-request", 0): 2, ("it-request", 1): 1, ("other", 0): 1}


def test_a_draft_that_was_saved_is_counted_no_longer(alice: User) -> None:
    run, writing, now = a_run(), drafts.Writing({"results-requestedItem": ["x"]}), timezone.now()
    drafts.write(run.id, writing, by=actor_for(alice), now=now)
    drafts.settle(run.id, writing, user_id=alice.username, answers=(), now=now)
    assert open_runs_of("it-request") == [OpenRuns(0, 1, 0)]
