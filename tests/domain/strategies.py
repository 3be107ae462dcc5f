"""What hypothesis makes up for these tests, and how long it may look for trouble."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

from usertasks.conditions import flaws_of_conditions
from usertasks.models import UserTaskField


def looking_at(examples: int) -> settings:
    """The same examples on every machine: a failure is a failure for everybody."""
    return settings(
        max_examples=examples,
        deadline=None,
        derandomize=True,
        database=None,
        suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.filter_too_much],
    )


ODD_TEXTS = [
    "",
    " ",
    "\t\n",
    "\0",
    "a\0b",
    "\ud800",
    "a\udfffb",
    "\U0010ffff",
    "x" * 201,
    "x" * 256,
    "\U0001d11e" * 256,
    "x" * 100_001,
    "%s",
    "{0}",
    "'; DROP TABLE usertasks_usertaskrun; --",
    "null",
    "alice\n",
]
"""Texts that somebody will send some day."""

ODD_NUMBERS = [-1, 0, 2**31 - 1, 2**31, 2**32, -(2**31) - 1, 2**63 - 1, 2**63, 2**64, -(2**63) - 1, 10**30, 10**400]
"""Whole numbers around what columns and machines hold."""

texts = st.text(st.characters(exclude_categories=[]), max_size=12) | st.sampled_from(
    ["", "\0", "\ud800", "é", "\u2028"]
)
numbers = (
    st.integers() | st.floats() | st.sampled_from([*ODD_NUMBERS, -0.0, 1e22, 1e23, 5e-324, 1.7e308, 9007199254740993])
)
json_values: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | numbers | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=8,
)


def nested(depth: int, innermost: Any = None) -> Any:
    """A list in a list in a list: `depth` levels of them."""
    value = innermost
    for _ in range(depth):
        value = [value]
    return value


RULES: dict[str, list[dict[str, Any]]] = {
    "STR": [
        {},
        {"min_length": 2},
        {"max_length": 3},
        {"min_length": 1, "max_length": 1},
        {"pattern": "[a-c]"},
        {"pattern": "^b", "max_length": 5},
        {"choices": ["", "null", "é"]},
        {"format": "email"},
        {"format": "uri"},
        {"format": "date"},
        {"format": "time"},
        {"format": "date", "pattern": "^2026"},
        {"format": "time", "choices": ["09:30", "9:30"]},
    ],
    "INT": [{}, {"min": 0}, {"max": 10}, {"min": -3, "max": 3}, {"choices": [0, 1, -7]}],
    "DOUBLE": [{}, {"min": 0.5}, {"max": 10}, {"choices": [0, 1.5]}],
    "BOOL": [{}],
    "JSON_OBJ": [{}, {"min_length": 1}, {"max_length": 1}],
    "JSON_ARR": [
        {},
        {"min_length": 1},
        {"max_length": 1},
        {"choices": ["a", "b", 1, None, [True]]},
        {"choices": ["a", "b", "c"], "min_length": 1, "max_length": 2},
    ],
    "TIMESTAMP": [{}],
    "BYTES": [{}, *({"min_length": n} for n in range(1, 5)), *({"max_length": n} for n in range(5))],
}
"""Rules that make sense, by type; the limits of a `TIMESTAMP` are the one thing that no JSON Schema says."""

VALUES: dict[str, list[Any]] = {
    "STR": [
        "", "a", "b", "ab", "abc", "abcd", "é", "null", "\U0001d11e", "a\0b", " ", "2026-11-21", "2026-02-29",
        "2024-02-29", "2026-2-1", "0000-01-01", "1900-02-29", "09:30", "9:30", "24:00", "a@b.example", "a@b",
        "a b@c.example", "@b.c", "a@-b.example", "https://example.com/a?b#c", "http://localhost:8000", "example.com",
        "javascript:alert(1)",
        "https://a b", "https://ä.example/ö", "ftp://example.com", "https://", "https://user@example.com", "date\n",
        "2026-11-21\n", "09:30\n", "a@b.example\n", "https://example.com\n",
    ],
    "INT": [0, 1, -1, 3, 4, 10, 11, -7, 3.0, 3.5, 2**31, 2**53, True, "3"],
    "DOUBLE": [0, 0.5, 0.4, 1.5, 10, 10.0, 10.5, -1e300, 1e308, False, "1.5"],
    "BOOL": [True, False, 0, 1, "true"],
    "JSON_OBJ": [{}, {"a": 1}, {"a": 1, "b": {"c": []}}, [], "{}"],
    "JSON_ARR": [
        [], ["a"], ["b", "a"], ["a", "a"], [1, 1.0], [1], [True], [[True]], [[1]], [None], ["c"], ["a", "b", "c"], {},
    ],
    "TIMESTAMP": [
        "2026-11-21T09:30:00Z", "2026-11-21t09:30:00z", "2026-11-21T09:30:00.5+02:00", "2026-11-21T09:30:00",
        "2026-02-29T00:00:00Z", "2024-02-29T00:00:00Z", "2026-11-21T24:00:00Z", "2016-12-31T23:59:60Z", "2026-11-21",
        "2026-11-21T09:30:00Z\n", "2026-11-21T09:30:00+24:00", "2026-13-01T00:00:00Z", "1900-02-29T00:00:00Z",
    ],
    "BYTES": [
        "", "QQ==", "QUE=", "QUFB", "QUFBQQ==", "QUFBQUE=", "QUFBQUFB", "QR==", "QQ", "QQ==\n", "-_-_", "AAAA=",
        "AAAA====", "====",
    ],
}  # fmt: skip
"""Values by the type that they are, or nearly are."""

NAMES = "abcde"
MISSING = object()


@st.composite
def definitions(draw: st.DrawFn) -> list[UserTaskField]:
    """Fields that could be put together: of any type, with rules, required or not, some of them shown only if."""
    names = NAMES[: draw(st.integers(1, len(NAMES)))]
    fields = [_field(draw, name) for name in names]
    for field in fields:
        others = [other for other in fields if other is not field]
        field.presentation = draw(_presentations(others))
        if flaws_of_conditions(fields):
            field.presentation = {}
    return fields


def _presentations(others: Sequence[UserTaskField]) -> st.SearchStrategy[dict[str, Any]]:
    none: st.SearchStrategy[dict[str, Any]] = st.just({})
    conditions = st.sampled_from(others).flatmap(_conditions) if others else st.nothing()
    return none | conditions.map(lambda condition: {"show_if": condition})


def _field(draw: st.DrawFn, name: str) -> UserTaskField:
    kind = draw(st.sampled_from(sorted(RULES)))
    rules = draw(st.sampled_from(RULES[kind]))
    return UserTaskField(name=name, type=kind, validation=rules, required=draw(st.booleans()))


def _conditions(on: UserTaskField) -> st.SearchStrategy[dict[str, Any]]:
    values = st.sampled_from(VALUES[on.type])
    tests = {
        "equals": values,
        "in": st.lists(values, min_size=1, max_size=2),
        "contains": st.sampled_from(["a", "b", 1]),
        "answered": st.booleans(),
    }
    return st.sampled_from(sorted(tests)).flatmap(
        lambda test: tests[test].map(lambda operand: {"field": on.name, test: operand})
    )


@st.composite
def results_for(draw: st.DrawFn, fields: Sequence[UserTaskField]) -> dict[str, Any]:
    """Answers to these fields: mostly of the right type, some missing, some null, some of any kind."""
    results = {}
    for field in fields:
        of_its_type = st.sampled_from(VALUES[field.type])
        of_any_type = st.sampled_from([value for values in VALUES.values() for value in values])
        value = draw(
            st.one_of(of_its_type, of_its_type, of_its_type, of_any_type, st.none(), json_values, st.just(...))
        )
        if value is not ...:
            results[field.name] = value
    if draw(st.integers(0, 9)) == 0:
        results["unknown"] = draw(st.none() | st.booleans())
    return results
