"""Definitions are put, and deleted while nothing was made from them; nobody changes one."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import User

from tests.cast import ENGINE, a_definition, a_run
from usertasks.actors import actor_for
from usertasks.errors import InvalidArgument, NotAllowed, NotFound, WrongState
from usertasks.flaws import flaws_of_field
from usertasks.models import UserTaskDef, UserTaskField
from usertasks.operations import delete_definition, put_definition

pytestmark = pytest.mark.django_db


def put(*fields: UserTaskField, name: str = "form", description: str = "") -> tuple[int, bool]:
    definition, is_new = put_definition(name, fields, by=ENGINE, description=description)
    return definition.version, is_new


def a_field(**more: Any) -> UserTaskField:
    return UserTaskField(**{"name": "a", "type": "STR"} | more)


def test_the_same_again_is_the_same_version() -> None:
    assert put(a_field()) == (0, True)
    assert put(a_field()) == (0, False)


@pytest.mark.parametrize(
    "change",
    [
        {"name": "b"},
        {"type": "INT"},
        {"display_name": "A"},
        {"description": "a"},
        {"required": False},
        {"validation": {"min_length": 1}},
        {"presentation": {"widget": "textarea"}},
    ],
    ids=str,
)
def test_any_change_is_a_new_version(change: dict[str, Any]) -> None:
    put(a_field())
    assert put(a_field(**change)) == (1, True)
    assert put(a_field()) == (2, True)


def test_description_and_order_count_as_well() -> None:
    put(a_field(), a_field(name="b"))
    assert put(a_field(name="b"), a_field()) == (1, True)
    assert put(a_field(name="b"), a_field(), description="x") == (2, True)


@pytest.mark.parametrize("number", [1, 1.0, 1e22, 1e23, -0.0, 0.1])
def test_a_number_in_a_rule_is_the_same_however_the_database_keeps_it(number: float) -> None:
    put(a_field(type="DOUBLE", validation={"min": number}, presentation={"step": number}))
    assert put(a_field(type="DOUBLE", validation={"min": number}, presentation={"step": number})) == (0, False)


@pytest.mark.parametrize("name", ["a", "A1", "it-request", "0", "a--b", "x" * 200])
def test_a_good_name_is_taken(name: str) -> None:
    assert put(name=name) == (0, True)


@pytest.mark.parametrize("name", ["", "-a", "a-", "a b", "a_b", "é", "a\n", "٣", "x" * 201])
def test_a_bad_name_is_refused(name: str) -> None:
    with pytest.raises(InvalidArgument) as refusal:
        put(name=name)
    assert "name" in refusal.value.faults


def test_every_fault_of_every_field_is_named() -> None:
    fields = [
        a_field(type="DATE"),
        a_field(name="a"),
        a_field(name=" "),
        a_field(name="d", validation={"min": 1}),
        a_field(name="e", display_name="x" * 201),
    ]
    with pytest.raises(InvalidArgument) as refusal:
        put(*fields)
    assert {name: fault.code for name, [fault] in refusal.value.faults.items()} == {
        "fields.0.type": "not_a_choice",
        "fields.1.name": "invalid",
        "fields.2.name": "required",
        "fields.3.validation": "invalid",
        "fields.4.display_name": "out_of_range",
    }
    assert not UserTaskDef.objects.exists()


def test_too_many_fields_are_refused() -> None:
    with pytest.raises(InvalidArgument):
        put(*(a_field(name=str(n)) for n in range(501)))
    assert put(*(a_field(name=str(n)) for n in range(500))) == (0, True)


def test_it_takes_the_permission(alice: User) -> None:
    with pytest.raises(NotAllowed):
        put_definition("form", [], by=actor_for(alice))
    with pytest.raises(NotAllowed):
        delete_definition("form", 0, by=actor_for(alice))


def test_one_without_runs_is_deleted_with_its_fields() -> None:
    definition = a_definition()
    delete_definition(definition.name, 0, by=ENGINE)
    assert not UserTaskField.objects.exists()
    with pytest.raises(NotFound):
        delete_definition(definition.name, 0, by=ENGINE)


def test_one_with_runs_stays() -> None:
    run = a_run()
    with pytest.raises(WrongState):
        delete_definition(run.user_task_def_name, 0, by=ENGINE)
    assert a_definition().version == 0


def test_newest_is_one_of_each_name() -> None:
    put(name="a")
    put(a_field(), name="a")
    put(name="b")
    assert sorted(UserTaskDef.objects.newest().values_list("name", "version")) == [("a", 1), ("b", 0)]


def test_a_flaw_is_named_where_it_stands() -> None:
    field = UserTaskField(name="a", type="INT", validation={"min": "x"}, presentation={"b": "\0"})
    assert set(flaws_of_field(field)) == {"validation", "presentation"}
