"""The eight field types: what each takes, in which form it is kept, and that the JSON Schema says the same."""

from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from tests.domain.strategies import json_values, looking_at, nested
from usertasks.answers import check_results
from usertasks.fieldtypes import FIELD_TYPES, MAX_BYTES, type_of
from usertasks.flaws import flaws_of_field
from usertasks.json_text import canonical
from usertasks.models import UserTaskField
from usertasks.validation import Wrong

TAKEN = [
    ("STR", "", ""),
    ("STR", " x\n", " x\n"),
    ("STR", "\U0001d11e", "\U0001d11e"),
    ("INT", 0, 0),
    ("INT", 3.0, 3),
    ("INT", 2**63 - 1, 2**63 - 1),
    ("INT", -(2**63), -(2**63)),
    ("DOUBLE", 1, 1.0),
    ("DOUBLE", 1.5, 1.5),
    ("DOUBLE", 2**70, float(2**70)),
    ("BOOL", True, True),
    ("BOOL", False, False),
    ("JSON_OBJ", {}, {}),
    ("JSON_OBJ", {"a": [1, None, {"b": 1.5}]}, {"a": [1, None, {"b": 1.5}]}),
    ("JSON_ARR", [], []),
    ("JSON_ARR", nested(64), nested(64)),
    ("TIMESTAMP", "2026-11-21T09:30:00Z", "2026-11-21T09:30:00Z"),
    ("TIMESTAMP", "2026-11-21t09:30:00z", "2026-11-21T09:30:00Z"),
    ("TIMESTAMP", "2026-11-21T09:30:00+02:00", "2026-11-21T07:30:00Z"),
    ("TIMESTAMP", "2026-11-21T09:30:00.5-00:30", "2026-11-21T10:00:00.500000Z"),
    ("TIMESTAMP", "2026-11-21T09:30:00.123456789123Z", "2026-11-21T09:30:00.123456Z"),
    ("TIMESTAMP", "0001-01-01T00:00:00Z", "0001-01-01T00:00:00Z"),
    ("TIMESTAMP", "9999-12-31T23:59:59.999999Z", "9999-12-31T23:59:59.999999Z"),
    ("TIMESTAMP", "2024-02-29T00:00:00Z", "2024-02-29T00:00:00Z"),
    ("BYTES", "", ""),
    ("BYTES", "AAEC", "AAEC"),
    ("BYTES", "QQ==", "QQ=="),
]

REFUSED = [
    ("STR", 1, "wrong_type"),
    ("STR", True, "wrong_type"),
    ("STR", ["a"], "wrong_type"),
    ("STR", "a\0", "invalid"),
    ("STR", "\ud800", "invalid"),
    ("INT", "3", "wrong_type"),
    ("INT", True, "wrong_type"),
    ("INT", 3.5, "wrong_type"),
    ("INT", 2**63, "out_of_range"),
    ("INT", -(2**63) - 1, "out_of_range"),
    ("INT", 1e300, "out_of_range"),
    ("INT", math.inf, "out_of_range"),
    ("INT", math.nan, "out_of_range"),
    ("DOUBLE", "1.5", "wrong_type"),
    ("DOUBLE", False, "wrong_type"),
    ("DOUBLE", math.nan, "out_of_range"),
    ("DOUBLE", float("1e400"), "out_of_range"),
    ("DOUBLE", 10**400, "out_of_range"),
    ("BOOL", 1, "wrong_type"),
    ("BOOL", "true", "wrong_type"),
    ("JSON_OBJ", [], "wrong_type"),
    ("JSON_OBJ", "{}", "wrong_type"),
    ("JSON_OBJ", {"a": "\0"}, "invalid"),
    ("JSON_OBJ", {"\ud800": 1}, "invalid"),
    ("JSON_OBJ", {"a": math.inf}, "invalid"),
    ("JSON_OBJ", {"a": 2**64}, "invalid"),
    ("JSON_ARR", {}, "wrong_type"),
    ("JSON_ARR", nested(65), "invalid"),
    ("JSON_ARR", nested(100_000), "invalid"),
    ("TIMESTAMP", 1732181400, "wrong_type"),
    ("TIMESTAMP", "", "invalid"),
    ("TIMESTAMP", "2026-11-21", "invalid"),
    ("TIMESTAMP", "2026-11-21T09:30:00", "invalid"),
    ("TIMESTAMP", "2026-11-21 09:30:00Z", "invalid"),
    ("TIMESTAMP", "2026-11-21T09:30Z", "invalid"),
    ("TIMESTAMP", "2026-11-21T24:00:00Z", "invalid"),
    ("TIMESTAMP", "2016-12-31T23:59:60Z", "invalid"),
    ("TIMESTAMP", "2026-02-29T00:00:00Z", "invalid"),
    ("TIMESTAMP", "2026-11-21T09:30:00+24:00", "invalid"),
    ("TIMESTAMP", "2026-11-21T09:30:00+01:60", "invalid"),
    ("TIMESTAMP", "2026-11-21T09:30:00Z\n", "invalid"),
    ("TIMESTAMP", "٢٠٢٦-11-21T09:30:00Z", "invalid"),
    ("TIMESTAMP", "0000-01-01T00:00:00Z", "invalid"),
    ("TIMESTAMP", "0001-01-01T00:00:00+14:00", "out_of_range"),
    ("TIMESTAMP", "9999-12-31T23:59:59-01:00", "out_of_range"),
    ("BYTES", 1, "wrong_type"),
    ("BYTES", "A", "invalid"),
    ("BYTES", "QQ", "invalid"),
    ("BYTES", "QQ==\n", "invalid"),
    ("BYTES", "Q Q==", "invalid"),
    ("BYTES", "-_-_", "invalid"),
    ("BYTES", "QQ==QQ==", "invalid"),
    ("BYTES", "AAAA=", "invalid"),
    ("BYTES", "AAAA====", "invalid"),
    ("BYTES", "é", "invalid"),
    ("BYTES", "AAAA" * (MAX_BYTES // 3 + 1), "out_of_range"),
]


URIS = ["https://example.com/a?b", "HTTP://localhost:8000", "https://ä.example/ö#c", "ftp://[::1]/a"]
NO_URIS = ["example.com", "javascript:alert(1)", "https://", "https://a b", "https://me:pw@example.com", "http://a/\n"]


def a_field(type_name: str, **rules: Any) -> UserTaskField:
    return UserTaskField(name="a", type=type_name, validation=rules)


def verdict(field: UserTaskField, value: Any) -> str:
    """`ok`, or the code of what is wrong with the value."""
    try:
        type_of(field).check(value, field.validation)
    except Wrong as wrong:
        return wrong.fault.code
    return "ok"


@pytest.mark.parametrize(("type_name", "value", "kept"), TAKEN, ids=[f"{case[0]} {n}" for n, case in enumerate(TAKEN)])
def test_a_good_value_is_kept_in_its_normal_form(type_name: str, value: Any, kept: Any) -> None:
    normal = FIELD_TYPES[type_name].check(value, {})
    assert (normal, type(normal)) == (kept, type(kept))


@pytest.mark.parametrize(
    ("type_name", "value", "code"), REFUSED, ids=[f"{case[0]} {case[2]} {n}" for n, case in enumerate(REFUSED)]
)
def test_a_bad_value_is_refused(type_name: str, value: Any, code: str) -> None:
    assert verdict(a_field(type_name), value) == code


@pytest.mark.parametrize(
    ("field", "good", "bad", "code"),
    [
        (a_field("STR", choices=["a", "b"]), ["a"], ["c", "A", ""], "not_a_choice"),
        (a_field("STR", min_length=2), ["ab", "\U0001d11e\U0001d11e"], ["a", "\U0001d11e"], "out_of_range"),
        (a_field("STR", max_length=2), ["", "ab"], ["abc"], "out_of_range"),
        (a_field("STR", pattern="b+"), ["abbc"], ["ac"], "invalid"),
        (
            a_field("STR", format="email"),
            ["a@example.com"],
            ["a@", "a", "@b.c", "a@b", "a@b.c\n", "a b@c.d"],
            "invalid",
        ),
        (a_field("STR", format="uri"), URIS, NO_URIS, "invalid"),
        (
            a_field("STR", format="date"),
            ["2026-11-21"],
            ["2026-2-1", "20261121", "2026-02-30", "٢٠٢٦-11-21"],
            "invalid",
        ),
        (a_field("STR", format="time"), ["09:30", "23:59"], ["9:30", "24:00", "09:60", "09:30:00"], "invalid"),
        (a_field("INT", choices=[1, 2]), [1, 2.0], [3], "not_a_choice"),
        (a_field("INT", min=1, max=3), [1, 3], [0, 4], "out_of_range"),
        (a_field("DOUBLE", min=0.5, max=2), [0.5, 1, 2], [0.4, 2.1], "out_of_range"),
        (a_field("DOUBLE", choices=[1, 2.5, 2**53 + 1]), [1, 1.0, 2.5, 2**53 + 1], [2], "not_a_choice"),
        (a_field("JSON_OBJ", min_length=1, max_length=1), [{"a": 1}], [{}, {"a": 1, "b": 2}], "out_of_range"),
        (a_field("JSON_ARR", min_length=1, max_length=2), [[1]], [[], [1, 2, 3]], "out_of_range"),
        (
            a_field("JSON_ARR", choices=["a", 1, None]),
            [[], ["a"], [None, 1.0]],
            [["b"], [True], ["a", ["a"]]],
            "not_a_choice",
        ),
        (a_field("JSON_ARR", choices=["a", "b"]), [["b", "a"]], [["a", "a"]], "invalid"),
        (
            a_field("JSON_ARR", choices=["a", "b"], min_length=1, max_length=1),
            [["a"]],
            [[], ["a", "b"]],
            "out_of_range",
        ),
        (a_field("BYTES", min_length=1, max_length=2), ["QQ==", "QUE="], ["", "QUFB"], "out_of_range"),
        (
            a_field("TIMESTAMP", min="2026-01-01T00:00:00+01:00", max="2026-12-31T00:00:00Z"),
            ["2025-12-31T23:00:00Z", "2026-12-31T01:00:00+01:00"],
            ["2025-12-31T22:59:59Z", "2026-12-31T00:00:01Z"],
            "out_of_range",
        ),
    ],
    ids=lambda part: f"{part.type} {[*part.validation]}" if isinstance(part, UserTaskField) else "",
)
def test_a_rule_is_held(field: UserTaskField, good: list[Any], bad: list[Any], code: str) -> None:
    assert flaws_of_field(field) == {}
    assert [verdict(field, value) for value in good] == ["ok"] * len(good)
    assert [verdict(field, value) for value in bad] == [code] * len(bad)


@pytest.mark.parametrize(
    "field",
    [
        a_field("STR", min=1),
        a_field("STR", colour="red"),
        a_field("STR", pattern="("),
        a_field("STR", pattern="x" * 1001),
        a_field("STR", pattern=1),
        a_field("STR", format="colour"),
        a_field("STR", format=["date"]),
        a_field("STR", min_length=-1),
        a_field("STR", min_length=1.5),
        a_field("STR", min_length=True),
        a_field("STR", min_length=3, max_length=2),
        a_field("STR", choices=[]),
        a_field("STR", choices="abc"),
        a_field("STR", choices=[1]),
        a_field("STR", choices=["\0"]),
        a_field("STR", choices=["a"] * 1001),
        a_field("INT", min="1"),
        a_field("INT", min=1.5),
        a_field("INT", min=2**63),
        a_field("INT", min=3, max=2),
        a_field("INT", min=None),
        a_field("DOUBLE", max=math.nan),
        a_field("DOUBLE", max=10**400),
        a_field("BOOL", choices=[True]),
        a_field("JSON_ARR", choices=[]),
        a_field("JSON_ARR", choices=["\0"]),
        a_field("JSON_OBJ", choices=[{}]),
        a_field("TIMESTAMP", min="yesterday"),
        a_field("TIMESTAMP", min="2026-01-02T00:00:00Z", max="2026-01-01T00:00:00Z"),
        UserTaskField(name="a", type="STR", validation=[]),
        UserTaskField(name="a", type="STR", validation=None),
        UserTaskField(name="a", type="STR", presentation="wide"),
        UserTaskField(name="a", type="STR", presentation={"a": nested(70)}),
    ],
)
def test_a_rule_that_makes_no_sense_is_refused(field: UserTaskField) -> None:
    assert flaws_of_field(field)


def test_some_of_a_few_are_kept_in_the_order_of_the_choices() -> None:
    field = a_field("JSON_ARR", choices=["b", 1, "a"])
    assert type_of(field).check(["a", 1.0, "b"], field.validation) == ["b", 1, "a"]


def test_every_fault_is_named_at_once_and_null_is_no_value() -> None:
    fields = [UserTaskField(name="a", type="INT"), UserTaskField(name="b", type="STR", required=False)]
    normal, faults = check_results(fields, {"b": 1, "c": None, "a": None}, must_be_complete=True)
    assert normal == {}
    assert {name: fault.code for name, [fault] in faults.items()} == {
        "a": "required",
        "b": "wrong_type",
        "c": "unknown_field",
    }


type_names = st.sampled_from(sorted(FIELD_TYPES))
moments = st.datetimes(timezones=st.timezones()).map(lambda moment: moment.isoformat())
base64_texts = st.text("QA=+/", max_size=8) | st.binary(max_size=5).map(lambda content: content.hex())
values = json_values | moments | base64_texts


@looking_at(200)
@given(type_name=type_names, value=values)
def test_reading_again_changes_nothing(type_name: str, value: Any) -> None:
    kind = FIELD_TYPES[type_name]
    assume(verdict(a_field(type_name), value) == "ok")
    normal = kind.check(value, {})
    assert canonical(kind.check(normal, {})) == canonical(normal)
    kind.show(normal)
    kind.to_form(normal)


def test_no_text_makes_a_pattern_take_for_ever() -> None:
    """A backtracking engine would need longer than the age of the universe for this one."""
    field = UserTaskField(name="a", type="STR", validation={"pattern": "^(a+)+$"})
    _, faults = check_results([field], {"a": "a" * 5000 + "!"}, must_be_complete=True)
    assert faults["a"][0].code == "invalid"


def test_an_anchored_pattern_is_the_whole_text() -> None:
    field = UserTaskField(name="a", type="STR", validation={"pattern": "^[a-z]+$"})
    assert check_results([field], {"a": "abc\n"}, must_be_complete=True)[1]
    assert not check_results([field], {"a": "abc"}, must_be_complete=True)[1]


@pytest.mark.parametrize("pattern", ["(?=a)b", r"(a)\1", "(", "(a{1000}){1000}"])
def test_a_pattern_that_cannot_be_held_to_in_linear_time_is_refused(pattern: str) -> None:
    assert flaws_of_field(UserTaskField(name="a", type="STR", validation={"pattern": pattern}))
