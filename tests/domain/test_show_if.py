"""`show_if`: a field that is asked for only if another one has a certain answer."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from django.contrib.auth.models import User

from tests.cast import a_definition, claimed_by
from usertasks.actors import actor_for
from usertasks.answers import check_results
from usertasks.conditions import MAX_CHAIN, conditions_of, flaws_of_conditions, hidden_among
from usertasks.errors import InvalidArgument
from usertasks.models import Status, UserTaskField
from usertasks.operations import complete, save_progress
from usertasks.outcomes import outcome_of


def a_field(name: str, kind: str = "STR", *, show_if: Any = None, required: bool = True, **rules: Any) -> UserTaskField:
    presentation = {} if show_if is None else {"show_if": show_if}
    return UserTaskField(name=name, type=kind, required=required, validation=rules, presentation=presentation)


APPROVAL = [
    a_field("approved", "BOOL"),
    a_field("reason", show_if={"field": "approved", "equals": False}),
    a_field("detail", show_if={"field": "reason", "answered": True}, required=False),
]


def codes(faults: Mapping[str, Any]) -> dict[str, str]:
    return {name: found[0].code for name, found in faults.items()}


@pytest.mark.parametrize(
    ("kind", "rules", "condition", "shows", "hides"),
    [
        ("STR", {}, {"equals": "a"}, ["a"], ["b", "", None]),
        ("STR", {"choices": ["a", "b", "c"]}, {"in": ["a", "b"]}, ["a", "b"], ["c", None]),
        ("INT", {}, {"equals": 3}, [3, 3.0], [4, None]),
        ("INT", {}, {"in": [1, 2]}, [1, 2], [3, None]),
        ("DOUBLE", {}, {"equals": 1}, [1, 1.0], [1.5, None]),
        ("BOOL", {}, {"equals": False}, [False], [True, None]),
        ("JSON_ARR", {"choices": ["a", "b"]}, {"contains": "a"}, [["a"], ["b", "a"]], [["b"], [], None]),
        ("JSON_ARR", {}, {"contains": {"x": 1}}, [[{"x": 1.0}]], [[{"x": True}], [1], None]),
        ("TIMESTAMP", {}, {"answered": True}, ["2026-11-21T09:30:00Z"], [None]),
        ("BYTES", {}, {"answered": False}, [None], ["QQ=="]),
        ("JSON_OBJ", {}, {"answered": True}, [{}], [None]),
    ],
)
def test_a_condition_holds_or_not(
    kind: str, rules: dict[str, Any], condition: dict[str, Any], shows: list[Any], hides: list[Any]
) -> None:
    fields = [a_field("on", kind, required=False, **rules), a_field("then", show_if={"field": "on", **condition})]
    assert flaws_of_conditions(fields) == {}

    def is_missed(value: Any) -> bool:
        return "then" in check_results(fields, {"on": value}, must_be_complete=True)[1]

    assert [is_missed(value) for value in shows] == [True] * len(shows)
    assert [is_missed(value) for value in hides] == [False] * len(hides)


def test_hidden_means_neither_required_nor_kept() -> None:
    results = {"approved": True, "reason": "left over", "detail": "too"}
    assert check_results(APPROVAL, results, must_be_complete=True) == ({"approved": True}, {})


def test_shown_means_required_and_checked() -> None:
    assert codes(check_results(APPROVAL, {"approved": False}, must_be_complete=True)[1]) == {"reason": "required"}
    faults = check_results(APPROVAL, {"approved": False, "reason": 1}, must_be_complete=False)[1]
    assert codes(faults) == {"reason": "wrong_type"}


def test_what_is_wrong_with_a_hidden_answer_is_nobodys_fault() -> None:
    assert check_results(APPROVAL, {"approved": True, "reason": 1}, must_be_complete=True) == ({"approved": True}, {})


def test_a_hidden_field_is_not_answered_to_those_that_depend_on_it() -> None:
    fields = [
        a_field("a", "BOOL", required=False),
        a_field("b", show_if={"field": "a", "equals": True}),
        a_field("c", show_if={"field": "b", "equals": "x"}),
        a_field("d", show_if={"field": "b", "answered": False}),
    ]
    assert hidden_among(fields, {"a": True, "b": "x"}) == {"d"}
    assert hidden_among(fields, {"a": False, "b": "x"}) == {"b", "c"}
    assert hidden_among(fields, {}) == {"b", "c"}


def test_a_condition_reads_as_a_sentence() -> None:
    fields = [
        UserTaskField(name="a", type="BOOL", display_name="Approve?"),
        a_field("b", show_if={"field": "a", "equals": False}),
        a_field("c", show_if={"field": "b", "in": ["x", "y"]}),
        a_field("d", show_if={"field": "b", "answered": False}),
    ]
    assert [condition.sentence() for condition in conditions_of(fields).values()] == [
        "Only if “Approve?” is No.",
        "Only if “b” is x or y.",
        "Only if “b” has no answer.",
    ]


@pytest.mark.parametrize(
    "condition",
    [
        "a",
        {},
        {"field": "on"},
        {"equals": 1},
        {"field": "on", "equals": 1, "answered": True},
        {"field": "on", "above": 1},
        {"field": "nobody", "equals": 1},
        {"field": ["on"], "equals": 1},
        {"field": "then", "equals": 1},
        {"field": "on", "equals": "1"},
        {"field": "on", "equals": 11},
        {"field": "on", "equals": None},
        {"field": "on", "in": 1},
        {"field": "on", "in": []},
        {"field": "on", "in": [1, "2"]},
        {"field": "on", "answered": "yes"},
        {"field": "on", "contains": 1},
        {"field": "list", "equals": ["a"]},
        {"field": "list", "contains": "z"},
        {"field": "moment", "equals": "2026-11-21T09:30:00Z"},
    ],
)
def test_a_condition_that_makes_no_sense_is_refused(condition: Any) -> None:
    on, listed = a_field("on", "INT", max=10), a_field("list", "JSON_ARR", choices=["a"])
    fields = [on, listed, a_field("moment", "TIMESTAMP"), a_field("then", show_if=condition)]
    assert list(flaws_of_conditions(fields)) == [3]
    assert conditions_of(fields) == {}


def test_a_circle_is_refused() -> None:
    fields = [a_field(name, show_if={"field": on, "equals": "x"}) for name, on in ("ab", "bc", "ca", "da")]
    assert list(flaws_of_conditions(fields)) == [0, 1, 2, 3]
    check_results(fields, {"a": "x"}, must_be_complete=True)  # and does no harm where there is one


@pytest.mark.parametrize(("length", "is_refused"), [(MAX_CHAIN, False), (MAX_CHAIN + 1, True)])
def test_a_chain_has_an_end(length: int, is_refused: bool) -> None:
    links = [a_field(str(n), show_if={"field": str(n - 1), "answered": True}) for n in range(1, length + 1)]
    assert bool(flaws_of_conditions([a_field("0"), *links])) == is_refused


def test_the_flaw_is_named_where_it_stands_when_the_definition_is_put(db: None) -> None:
    with pytest.raises(InvalidArgument) as refusal:
        a_definition("odd", [a_field("a"), a_field("b", show_if={"field": "c", "equals": 1})])
    assert {name: found[0].code for name, found in refusal.value.faults.items()} == {"fields.1.presentation": "invalid"}


def test_what_is_hidden_is_not_stored_and_null_in_the_outcome(alice: User) -> None:
    run, by = claimed_by(alice, definition=a_definition("approval", APPROVAL)), actor_for(alice)
    refused = {"approved": False, "reason": "too dear", "detail": "by far"}
    assert save_progress(run.id, refused, by=by).results == refused
    run = complete(run.id, {"approved": True}, by=by)
    assert (run.status, run.results) == (Status.DONE, {"approved": True})
    assert outcome_of(run).output == {"approved": True, "reason": None, "detail": None}
    assert complete(run.id, {**refused, "approved": True}, by=by).version == run.version
