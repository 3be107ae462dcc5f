"""The JSON Schema of a definition says what the server checks: a public library and our own check give one answer."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from datetime import date
from typing import Any

import pytest
from hypothesis import assume, given, note
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from tests.domain.strategies import definitions, json_values, looking_at, nested, results_for
from usertasks.answers import check_results
from usertasks.base64_schema import schema_of_base64
from usertasks.flaws import flaws_of_field
from usertasks.json_schema import schema_of
from usertasks.models import UserTaskField
from usertasks.validation import DATE


def schema_takes(fields: list[UserTaskField], results: Any) -> bool:
    """What the library says, with and without formats: they add nothing to the patterns."""
    schema = schema_of(fields)
    Draft202012Validator.check_schema(schema)
    formats = Draft202012Validator.FORMAT_CHECKER
    verdicts = [Draft202012Validator(schema, format_checker=checker).is_valid(results) for checker in (None, formats)]
    assert verdicts[0] == verdicts[1]
    return verdicts[0]


def we_take(fields: list[UserTaskField], results: Mapping[str, Any]) -> bool:
    return not check_results(fields, results, must_be_complete=True)[1]


def is_beyond_schemas(value: Any) -> bool:
    """What no schema has a word for: what cannot be stored inside of JSON, and how a number is spelled."""
    match value:
        case str():
            return re.search("[\0\ud800-\udfff]", value) is not None
        case float():
            return not math.isfinite(value) or (value.is_integer() and abs(value) >= 2**53)
        case int():
            return abs(value) >= 2**63
        case list():
            return any(map(is_beyond_schemas, value))
        case dict():
            return any(map(is_beyond_schemas, [*value, *value.values()]))
    return False


@looking_at(300)
@given(data=st.data(), fields=definitions())
def test_schema_and_check_agree_on_every_answer(data: st.DataObject, fields: list[UserTaskField]) -> None:
    assert [flaws_of_field(field) for field in fields] == [{}] * len(fields)
    results = data.draw(results_for(fields))
    assume(not any(is_beyond_schemas(value) for value in results.values() if value != "a\0b"))
    note([field.content() for field in fields])
    assert schema_takes(fields, results) == we_take(fields, results)


@looking_at(200)
@given(type_name=st.sampled_from(["STR", "INT", "DOUBLE", "BOOL", "JSON_OBJ", "JSON_ARR", "BYTES"]), value=json_values)
def test_schema_and_check_agree_on_any_json(type_name: str, value: Any) -> None:
    assume(not is_beyond_schemas(value))
    fields = [UserTaskField(name="a", type=type_name)]
    assert schema_takes(fields, {"a": value}) == we_take(fields, {"a": value})


@pytest.mark.parametrize(
    ("type_name", "value"),
    [
        ("JSON_ARR", ["\0"]),
        ("JSON_ARR", nested(65)),
        ("JSON_OBJ", {"a": 2**64}),
        ("INT", 1e16),
        ("TIMESTAMP", "0001-01-01T00:00:00+14:00"),
    ],
)
def test_what_a_schema_has_no_word_for_is_refused_by_us_alone(type_name: str, value: Any) -> None:
    fields = [UserTaskField(name="a", type=type_name)]
    assert (schema_takes(fields, {"a": value}), we_take(fields, {"a": value})) == (True, False)


def test_the_limits_of_a_moment_are_notes() -> None:
    limits = {"min": "2026-01-01T00:00:00+01:00", "max": "2026-12-31T00:00:00Z"}
    schema = schema_of([UserTaskField(name="a", type="TIMESTAMP", validation=limits)])["properties"]["a"]
    assert (schema["formatMinimum"], schema["formatMaximum"]) == ("2025-12-31T23:00:00Z", "2026-12-31T00:00:00Z")


@pytest.mark.parametrize("required", [True, False])
def test_null_is_an_answer_only_where_none_is_needed(required: bool) -> None:
    for type_name in ("STR", "INT", "DOUBLE", "BOOL", "JSON_OBJ", "JSON_ARR", "TIMESTAMP", "BYTES"):
        fields = [UserTaskField(name="a", type=type_name, required=required)]
        assert schema_takes(fields, {"a": None}) == we_take(fields, {"a": None}) == (not required)
    fields = [UserTaskField(name="a", type="STR", required=required, validation={"choices": ["x"]})]
    assert schema_takes(fields, {"a": None}) == we_take(fields, {"a": None}) == (not required)


def test_a_schema_names_the_default() -> None:
    field = UserTaskField(name="a", type="INT", presentation={"default": 2})
    assert schema_of([field])["properties"]["a"]["default"] == 2


def test_every_day_of_the_calendar_is_a_date_and_no_other() -> None:
    pattern = re.compile(DATE)
    assert all(pattern.fullmatch(date.fromordinal(number).isoformat()) for number in range(1, date.max.toordinal(), 17))
    for year in (1, 4, 100, 400, 1900, 2000, 2023, 2024, 9999):
        for month in range(14):
            for number in (0, 29, 30, 31, 32):
                text = f"{year:04}-{month:02}-{number:02}"
                assert bool(pattern.fullmatch(text)) == is_a_date(text), text


def is_a_date(text: str) -> bool:
    try:
        date.fromisoformat(text)
    except ValueError:
        return False
    return True


@pytest.mark.parametrize("least", range(8))
@pytest.mark.parametrize("most", range(8))
def test_a_number_of_bytes_is_said_exactly(least: int, most: int) -> None:
    validator = Draft202012Validator(schema_of_base64(least, most))
    texts = ["", "QQ==", "QUE=", "QUFB", "QUFBQQ==", "QUFBQUE=", "QUFBQUFB", "QUFBQUFBQQ=="]
    assert [validator.is_valid(text) for text in texts] == [least <= number <= most for number in range(8)]
