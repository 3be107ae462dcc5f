"""What never changes is asked of the database once: the fields of a definition, and never those of another."""

from __future__ import annotations

from typing import Any

import pytest

from tests.cast import ENGINE, a_definition, a_run
from usertasks import operations
from usertasks.models import UserTaskDef, UserTaskField
from usertasks.models.definitions import KnownFields, fields_of, read_fields

pytestmark = pytest.mark.django_db


def of_one_field(name: str, **more: Any) -> UserTaskDef:
    return a_definition("leave-request", [UserTaskField(name=name, type="STR", **more)])


def written(definition: UserTaskDef) -> tuple[int, str, int]:
    return definition.pk, definition.name, definition.version


def test_the_fields_of_a_run_are_asked_for_once(django_assert_num_queries: Any) -> None:
    first, second = a_run(), a_run()
    with django_assert_num_queries(1):
        assert [field.name for field in first.fields] == ["requestedItem", "justification"]
    with django_assert_num_queries(0):
        assert [field.content() for field in second.fields] == [field.content() for field in first.fields]


def test_many_definitions_are_asked_for_at_once(django_assert_num_queries: Any) -> None:
    versions = [written(of_one_field(f"field-{number}")) for number in range(5)]
    with django_assert_num_queries(1):
        found = read_fields(versions)
    assert [found[version][0].name for version in versions] == [f"field-{number}" for number in range(5)]
    with django_assert_num_queries(0):
        assert read_fields(versions).keys() == found.keys()


def test_whatever_becomes_of_the_rows_that_somebody_is_given_nobody_else_notices() -> None:
    definition = of_one_field("colour", validation={"choices": ["red", "blue"]})
    for _ in range(2):
        [field] = fields_of(written(definition))
        assert field.content() == definition.fields.get().content()
        field.name, field.pk, field.required = "size", None, False
        field.validation["choices"].append("green")
        field.presentation["widget"] = "radio"


def test_a_version_that_was_deleted_does_not_answer_for_the_one_that_comes_after_it() -> None:
    first = of_one_field("colour")
    assert [field.name for field in fields_of(written(first))] == ["colour"]
    operations.delete_definition(first.name, first.version, by=ENGINE)
    again = of_one_field("size")
    assert again.version == first.version
    assert [field.name for field in fields_of(written(again))] == ["size"]


def test_so_many_are_known_and_those_that_were_used_last_stay() -> None:
    known, names = KnownFields(most=2), [(number, "leave-request", 0) for number in range(3)]
    known.keep(names[0], [])
    known.keep(names[1], [])
    known.get(names[0])
    known.keep(names[2], [])
    assert [known.get(name) for name in names] == [[], None, []]
