"""`user-task-defs/`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jsonschema
import pytest
from django.contrib.auth.models import User

from tests.api.conftest import Caller
from tests.cast import a_definition, a_run
from usertasks.models import UserTaskField

As = Callable[[User], Caller]

IT_REQUEST: dict[str, Any] = {
    "name": "it-request",
    "description": "Somebody needs something.",
    "fields": [
        {"name": "requestedItem", "type": "STR", "display_name": "Requested item"},
        {"name": "count", "type": "INT", "required": False, "validation": {"min": 1}},
    ],
}


def test_the_first_put_makes_version_0_and_the_same_again_changes_nothing(as_: As, service: User) -> None:
    caller = as_(service)
    first, again = caller.post("user-task-defs/", IT_REQUEST), caller.post("user-task-defs/", IT_REQUEST)
    assert (first.status_code, again.status_code) == (201, 200)
    assert first.json()["version"] == 0
    assert again.json() == first.json()


def test_anything_else_makes_the_next_version(as_: As, service: User) -> None:
    caller = as_(service)
    caller.post("user-task-defs/", IT_REQUEST)
    changed = caller.post("user-task-defs/", {**IT_REQUEST, "description": "Something else."})
    assert (changed.status_code, changed.json()["version"]) == (201, 1)
    assert caller.get("user-task-defs/it-request/").json()["version"] == 1
    assert caller.get("user-task-defs/it-request/0/").json()["description"] == "Somebody needs something."


def test_a_field_comes_back_with_all_its_parts(as_: As, service: User) -> None:
    field = {
        "name": "planet",
        "type": "STR",
        "display_name": "Planet",
        "description": "Where to?",
        "required": False,
        "validation": {"choices": ["Naboo", "Hoth"]},
        "presentation": {"widget": "radio", "anything": [1, {"else": True}]},
    }
    made = as_(service).post("user-task-defs/", {"name": "trip", "fields": [field]}).json()
    assert made["fields"] == [field]


def test_putting_takes_the_permission(as_: As, alice: User) -> None:
    refused = as_(alice).post("user-task-defs/", IT_REQUEST)
    assert (refused.status_code, refused.json()["code"]) == (403, "not_allowed")


@pytest.mark.parametrize(
    ("change", "field", "code"),
    [
        ({"name": "-x"}, "name", "invalid"),
        ({"name": "x" * 201}, "name", "invalid"),
        ({"name": 3}, "name", "wrong_type"),
        ({"name": "a\n"}, "name", "invalid"),
        ({"description": None}, "description", "wrong_type"),
        ({"description": "\ud800"}, "description", "invalid"),
        ({"fields": {}}, "fields", "wrong_type"),
        ({"fields": [3]}, "fields.0", "wrong_type"),
        ({"fields": [{"type": "STR"}]}, "fields.0.name", "required"),
        ({"fields": [{"name": "a", "type": "FLOAT"}]}, "fields.0.type", "not_a_choice"),
        ({"fields": [{"name": "a", "type": "STR"}] * 2}, "fields.1.name", "invalid"),
        ({"fields": [{"name": "a", "type": "STR", "required": "yes"}]}, "fields.0.required", "wrong_type"),
        ({"fields": [{"name": "a", "type": "STR", "validation": {"min": 1}}]}, "fields.0.validation", "invalid"),
        ({"fields": [{"name": "a", "type": "STR", "validation": {"pattern": "("}}]}, "fields.0.validation", "invalid"),
        ({"fields": [{"name": "a", "type": "STR", "presentation": {"x": "\0"}}]}, "fields.0.presentation", "invalid"),
        ({"fields": [{"name": "a", "type": "STR", "extra": 1}]}, "fields.0.extra", "unknown_field"),
        ({"version": 3}, "version", "unknown_field"),
    ],
)
def test_what_is_wrong_with_a_definition_is_said_where_it_is(
    as_: As, service: User, change: dict[str, Any], field: str, code: str
) -> None:
    answer = as_(service).post("user-task-defs/", {**IT_REQUEST, **change})
    assert (answer.status_code, answer.json()["code"]) == (400, "invalid_argument")
    assert [fault["code"] for fault in answer.json()["errors"][field]] == [code]


def test_the_list_is_filtered_by_name_prefix_and_newest(as_: As, service: User) -> None:
    caller = as_(service)
    for name in ("alpha", "alpha-two", "beta", "Alpine"):
        a_definition(name)
    a_definition("alpha", [UserTaskField(name="other", type="INT")])

    def listed(query: str) -> list[tuple[str, int]]:
        found = caller.get(f"user-task-defs/?{query}").json()["results"]
        return [(row["name"], row["version"]) for row in found]

    assert sorted(listed("")) == [("Alpine", 0), ("alpha", 0), ("alpha", 1), ("alpha-two", 0), ("beta", 0)]
    assert listed("name=alpha") == [("alpha", 0), ("alpha", 1)]
    assert listed("prefix=al&latest=true") == [("alpha", 1), ("alpha-two", 0)]
    assert listed("latest=false&name=nope") == []


@pytest.mark.parametrize(
    "query", ["latest=maybe", "name=", "nope=1", "name=a&name=b", "prefix=%00", "limit=0", "cursor=x"]
)
def test_a_filter_that_makes_no_sense_is_refused(as_: As, alice: User, query: str) -> None:
    answer = as_(alice).get(f"user-task-defs/?{query}")
    assert (answer.status_code, answer.json()["code"]) == (400, "invalid_argument")


@pytest.mark.parametrize(
    "path",
    ["nope/", "nope/0/", "it-request/7/", "it-request/99999999999999999999/", "it-request/7/schema/", "-/", "%00/"],
)
def test_what_is_not_there_is_not_found(as_: As, alice: User, path: str) -> None:
    a_definition()
    answer = as_(alice).get(f"user-task-defs/{path}")
    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")


def test_a_version_without_runs_is_deleted_and_one_with_runs_is_not(as_: As, service: User) -> None:
    caller = as_(service)
    a_run()
    refused = caller.delete("user-task-defs/it-request/0/")
    assert (refused.status_code, refused.json()["code"]) == (409, "wrong_state")
    a_definition("unused")
    assert caller.delete("user-task-defs/unused/0/").status_code == 204
    assert caller.get("user-task-defs/unused/").status_code == 404


def test_the_schema_of_the_results_is_a_valid_json_schema(as_: As, service: User) -> None:
    caller = as_(service)
    caller.post("user-task-defs/", IT_REQUEST)
    schema = caller.get("user-task-defs/it-request/0/schema/").json()
    jsonschema.Draft202012Validator.check_schema(schema)
    validator = jsonschema.Draft202012Validator(schema)
    assert validator.is_valid({"requestedItem": "x", "count": 1})
    assert not validator.is_valid({"count": 1})
    assert not validator.is_valid({"requestedItem": "x", "count": 0})
    assert not validator.is_valid({"requestedItem": "x", "other": 0})
