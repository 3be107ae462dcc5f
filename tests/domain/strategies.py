"""What hypothesis makes up for these tests, and how long it may look for trouble."""

from __future__ import annotations

from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st


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
