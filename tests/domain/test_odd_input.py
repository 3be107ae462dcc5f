"""Whatever comes in, an operation succeeds or refuses: nothing else ever escapes."""

from __future__ import annotations

import contextlib
import uuid
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone
from functools import partial
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import transaction
from django.utils.datastructures import MultiValueDict
from hypothesis import given
from hypothesis import strategies as st

from tests.cast import a_definition, a_run, claimed_by
from tests.domain.strategies import ODD_NUMBERS, ODD_TEXTS, json_values, looking_at, nested, texts
from usertasks import json_text, operations
from usertasks.actors import Actor, actor_for
from usertasks.bulk import change_many
from usertasks.errors import Refused
from usertasks.fieldtypes import FIELD_TYPES
from usertasks.filters import Search
from usertasks.json_filters import search_from_json
from usertasks.models import UserTaskField, UserTaskRun
from usertasks.models.orders import newest_position
from usertasks.operations import RunRequest
from usertasks.rules import explain

pytestmark = pytest.mark.django_db


class _TakenBack(Exception):
    pass


def answer_to(call: Callable[[], Any]) -> str:
    """`done`, or the code of the refusal; what the call has changed is taken back."""
    answer = "done"
    with contextlib.suppress(_TakenBack), transaction.atomic():
        try:
            with transaction.atomic():
                call()
        except Refused as refusal:
            answer = refusal.code
        raise _TakenBack
    return answer


def search(name: str) -> Callable[[UserTaskRun, str], Callable[[Actor], Any]]:
    return lambda run, text: lambda by: Search(MultiValueDict({name: [text]}), by=by).page(limit=5)


FILTERS = [
    "status",
    "user_task_def_name",
    "user_id",
    "user_group",
    "earliest_start",
    "latest_start",
    "wf_run_id",
    "overdue",
]


def creation(**given: Any) -> Callable[[Actor], Any]:
    return lambda by: operations.create(
        RunRequest(**{"user_task_def_name": "it-request", "user_id": "x"} | given), by=by
    )


def putting(**given: Any) -> Callable[[Actor], Any]:
    field = UserTaskField(**{"name": "a", "type": "STR"} | given)
    return lambda by: operations.put_definition("d", [field], by=by)


TEXT_ARGUMENTS: dict[str, Callable[[UserTaskRun, str], Callable[[Actor], Any]]] = {
    "create user_id": lambda run, text: creation(user_id=text),
    "create user_group": lambda run, text: creation(user_group=text),
    "create definition": lambda run, text: creation(user_task_def_name=text),
    "create wf_run_id": lambda run, text: creation(wf_run_id=text),
    "create notes": lambda run, text: creation(notes=text),
    "create exception": lambda run, text: creation(on_cancellation_exception_name=text),
    "assign user_id": lambda run, text: lambda by: operations.assign(run.id, by=by, user_id=text),
    "assign user_group": lambda run, text: lambda by: operations.assign(run.id, by=by, user_group=text),
    "save user_id": lambda run, text: lambda by: operations.save_progress(run.id, {}, by=by, user_id=text),
    "save answer": lambda run, text: lambda by: operations.save_progress(run.id, {"requestedItem": text}, by=by),
    "save name": lambda run, text: lambda by: operations.save_progress(run.id, {text: 1}, by=by),
    "complete user_id": lambda run, text: lambda by: operations.complete(run.id, {}, by=by, user_id=text),
    "complete name": lambda run, text: lambda by: operations.complete(run.id, {text: 1}, by=by),
    "comment": lambda run, text: lambda by: operations.add_comment(run.id, text, by=by),
    "comment user_id": lambda run, text: lambda by: operations.add_comment(run.id, "x", by=by, user_id=text),
    "edited comment": lambda run, text: lambda by: operations.edit_comment(run.id, 1, text, by=by),
    "put name": lambda run, text: lambda by: operations.put_definition(text, [], by=by),
    "put description": lambda run, text: lambda by: operations.put_definition("d", [], by=by, description=text),
    "field name": lambda run, text: putting(name=text),
    "field type": lambda run, text: putting(type=text),
    "field display_name": lambda run, text: putting(display_name=text),
    "field description": lambda run, text: putting(description=text),
    "field pattern": lambda run, text: putting(validation={"pattern": text}),
    "field choice": lambda run, text: putting(validation={"choices": [text]}),
    "field format": lambda run, text: putting(validation={"format": text}),
    "field rule": lambda run, text: putting(validation={text: 1}),
    "field placeholder": lambda run, text: putting(presentation={"placeholder": text}),
    "delete name": lambda run, text: lambda by: operations.delete_definition(text, 0, by=by),
    "explain user_id": lambda run, text: lambda by: explain(run, user_id=text, by=by),
    **{f"search {name}": search(name) for name in FILTERS},
    "search for": lambda run, text: lambda by: Search(MultiValueDict({text: ["x"]}), by=by).page(limit=5),
}  # fmt: skip


@pytest.fixture
def everything(admin: User) -> Actor:
    return actor_for(admin)


@pytest.mark.parametrize("argument", TEXT_ARGUMENTS)
def test_any_text_is_taken_or_refused(argument: str, everything: Actor) -> None:
    run = a_run()
    operations.add_comment(run.id, "first", by=everything)
    for text in ODD_TEXTS:
        answer_to(partial(TEXT_ARGUMENTS[argument](run, text), everything))


@pytest.mark.parametrize("argument", TEXT_ARGUMENTS)
def test_what_no_database_stores_is_refused_everywhere(argument: str, everything: Actor) -> None:
    run = a_run()
    operations.add_comment(run.id, "first", by=everything)
    for text in ("\0", "a\0b", "\ud800", "a\udfffb"):
        assert answer_to(partial(TEXT_ARGUMENTS[argument](run, text), everything)) != "done"


NUMBER_ARGUMENTS: dict[str, Callable[[UserTaskRun, int], Callable[[Actor], Any]]] = {
    "create version": lambda run, number: creation(user_task_def_version=number),
    "create priority": lambda run, number: creation(priority=number),
    "expected": lambda run, number: lambda by: operations.claim(run.id, by=by, expected=number),
    "edit number": lambda run, number: lambda by: operations.edit_comment(run.id, number, "x", by=by),
    "delete number": lambda run, number: lambda by: operations.delete_comment(run.id, number, by=by),
    "delete version": lambda run, number: lambda by: operations.delete_definition("it-request", number, by=by),
    "answer": lambda run, number: lambda by: operations.save_progress(run.id, {"requestedItem": number}, by=by),
    "min_length": lambda run, number: putting(validation={"min_length": number}),
    "min": lambda run, number: putting(type="INT", validation={"min": number}),
    "min of a double": lambda run, number: putting(type="DOUBLE", validation={"min": number}),
    "choice": lambda run, number: putting(type="INT", validation={"choices": [number]}),
    "presentation": lambda run, number: putting(presentation={"rows": number}),
}


@pytest.mark.parametrize("argument", NUMBER_ARGUMENTS)
def test_any_number_is_taken_or_refused(argument: str, everything: Actor) -> None:
    run = a_run()
    for number in ODD_NUMBERS:
        answer_to(partial(NUMBER_ARGUMENTS[argument](run, number), everything))


@pytest.mark.parametrize(
    "moment",
    [
        datetime(1, 1, 1, tzinfo=timezone(timedelta(hours=14))),
        datetime(9999, 12, 31, 23, 59, tzinfo=timezone(timedelta(hours=-12))),
        datetime(2026, 1, 1),
    ],
)
def test_a_due_time_that_no_database_stores_is_refused(moment: datetime, everything: Actor) -> None:
    a_definition()
    assert answer_to(lambda: creation(due_at=moment)(everything)) == "invalid_argument"


@pytest.mark.parametrize(
    "moment", [datetime(1, 1, 1, tzinfo=UTC), datetime(9999, 12, 31, 23, 59, 59, 999999, tzinfo=UTC)]
)
def test_the_first_and_the_last_moment_are_stored(moment: datetime, everything: Actor) -> None:
    run = a_run(due_at=moment)
    assert UserTaskRun.objects.get(pk=run.id).due_at == moment
    assert Search(MultiValueDict(), by=everything).page(limit=1).rows[0].due_at == moment


@pytest.mark.parametrize("moment", [datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)])
def test_a_page_may_start_at_either_end_of_time(moment: datetime, everything: Actor) -> None:
    a_run()
    position = newest_position(moment, uuid.UUID(int=0))
    pages = [Search(MultiValueDict(), by=everything).page(limit=5, **{way: position}) for way in ("after", "before")]
    assert sorted(len(page.rows) for page in pages) == [0, 1]


@looking_at(100)
@given(value=json_values, type_name=st.sampled_from(sorted(FIELD_TYPES)))
def test_any_answer_is_taken_or_refused_and_kept_as_it_is(value: Any, type_name: str, everything: Actor) -> None:
    with contextlib.suppress(_TakenBack), transaction.atomic():
        run = a_run(a_definition("any", [UserTaskField(name="a", type=type_name, required=False)]))
        try:
            saved = operations.save_progress(run.id, {"a": value}, by=everything)
        except Refused as refusal:
            answer = refusal.code, list(refusal.faults)
            assert answer == ("invalid_argument", ["a"])
        else:
            stored = UserTaskRun.objects.get(pk=run.id).results
            assert json_text.canonical(stored) == json_text.canonical(saved.results)
        raise _TakenBack


NAMES_OF_RULES = ["choices", "min", "max", "min_length", "max_length", "pattern", "format", "x"]


@looking_at(100)
@given(
    rules=st.dictionaries(st.sampled_from(NAMES_OF_RULES), json_values, max_size=3) | json_values,
    presentation=json_values,
    type_name=st.sampled_from(sorted(FIELD_TYPES)),
)
def test_any_rule_is_taken_or_refused(rules: Any, presentation: Any, type_name: str, everything: Actor) -> None:
    answer_to(lambda: putting(type=type_name, validation=rules, presentation=presentation)(everything))


@looking_at(100)
@given(
    parameters=st.dictionaries(st.sampled_from(["status", "user_id", "overdue", "earliest_start"]) | texts, json_values)
)
def test_any_filter_is_taken_or_refused(parameters: dict[str, Any], everything: Actor) -> None:
    answer_to(lambda: search_from_json(parameters, by=everything).page(limit=3))


@pytest.mark.parametrize("value", [nested(100_000), nested(65), {"a": nested(64)}])
def test_what_is_nested_too_deep_is_refused(value: Any, everything: Actor) -> None:
    run = a_run(a_definition("deep", [UserTaskField(name="a", type="JSON_ARR")]))
    assert answer_to(lambda: operations.save_progress(run.id, {"a": [value]}, by=everything)) == "invalid_argument"
    assert answer_to(lambda: putting(presentation={"a": value})(everything)) == "invalid_argument"


def test_bulk_with_runs_that_do_not_exist_says_so_for_each(alice: User) -> None:
    ids = [uuid.uuid4(), claimed_by(alice).id, uuid.uuid4()]
    results, _ = change_many("release", ids, {}, by=actor_for(alice))
    assert [result.refusal.code if result.refusal else None for result in results] == ["not_found", None, "not_found"]
