"""Definitions and runs that many people make, repeat and delete at the same moment."""

from __future__ import annotations

import uuid
from collections import Counter

import pytest

from tests.cast import ENGINE, a_definition
from tests.races.crowd import at_once, codes
from usertasks import operations
from usertasks.models import UserTaskDef, UserTaskField, UserTaskRun
from usertasks.operations import Creation, RunRequest, create, create_many, delete_definition, put_definition

pytestmark = [pytest.mark.postgresql, pytest.mark.django_db(transaction=True)]

REPEATS = 15


def test_many_puts_make_versions_without_gap_or_repetition() -> None:
    answers = at_once(
        [
            lambda n=n: put_definition("form", [UserTaskField(name=f"field-{n}", type="STR")], by=ENGINE)  # type: ignore[misc]
            for n in range(20)
        ]
    )
    assert codes(answers) == ["done"] * 20
    assert sorted(definition.version for definition, _ in answers) == list(range(20))
    assert sorted(UserTaskDef.objects.values_list("version", flat=True)) == list(range(20))
    assert UserTaskField.objects.count() == 20


def test_the_same_put_from_many_makes_one_version() -> None:
    answers = at_once([lambda: put_definition("form", [UserTaskField(name="a", type="STR")], by=ENGINE)] * 20)
    assert Counter(is_new for _, is_new in answers) == {True: 1, False: 19}
    assert UserTaskDef.objects.get().version == 0


def test_the_same_creation_from_many_makes_one_run() -> None:
    a_definition()
    request = RunRequest("it-request", user_group="finance", id=uuid.uuid4())
    answers = at_once([lambda: create(request, by=ENGINE)] * 8)
    assert codes(answers) == ["done"] * 8
    assert Counter(answer.is_new for answer in answers) == {True: 1, False: 7}
    assert UserTaskRun.objects.get().events.count() == 1


def test_of_different_creations_with_one_id_one_wins() -> None:
    a_definition()
    guid = uuid.uuid4()
    requests = [RunRequest("it-request", user_group="finance", id=guid, notes=str(n)) for n in range(8)]
    answers = at_once([lambda request=request: create(request, by=ENGINE) for request in requests])  # type: ignore[misc]
    assert sorted(codes(answers)) == ["already_exists"] * 7 + ["done"]
    assert UserTaskRun.objects.get().notes == str(codes(answers).index("done"))


def test_batches_with_the_same_ids_in_another_order_never_wait_for_each_other() -> None:
    a_definition()
    for _ in range(REPEATS):
        requests = [RunRequest("it-request", user_group="finance", id=uuid.uuid4()) for _ in range(50)]
        there, back = at_once(
            [
                lambda requests=requests: create_many(requests, by=ENGINE),  # type: ignore[misc]
                lambda requests=requests: create_many(requests[::-1], by=ENGINE),  # type: ignore[misc]
            ]
        )
        assert {creation.run.id for creation in there} == {creation.run.id for creation in back}
        assert Counter(creation.is_new for creation in [*there, *back]) == {True: 50, False: 50}


def test_a_definition_is_deleted_or_has_runs_but_never_both() -> None:
    seen = set()
    for n in range(REPEATS):
        definition = a_definition(f"form-{n}")
        creation, deletion = at_once(
            [
                lambda name=definition.name: create(RunRequest(name, user_group="finance"), by=ENGINE),  # type: ignore[misc]
                lambda name=definition.name: delete_definition(name, 0, by=ENGINE),  # type: ignore[misc]
            ]
        )
        is_there = UserTaskDef.objects.filter(pk=definition.pk).exists()
        has_run = UserTaskRun.objects.filter(user_task_def_name=definition.name).exists()
        assert (codes([creation, deletion]), is_there, has_run) in (
            (["done", "wrong_state"], True, True),
            (["not_found", "done"], False, False),
        )
        seen.add(has_run)
    assert UserTaskRun.objects.exclude(definition__in=UserTaskDef.objects.all()).count() == 0


def test_a_put_beside_a_deletion_gives_a_version_that_can_be_used() -> None:
    for n in range(REPEATS):
        name = a_definition(f"form-{n}").name
        fields = [UserTaskField(name="other", type="STR")]
        put, _ = at_once(
            [
                lambda name=name, fields=fields: put_definition(name, fields, by=ENGINE),  # type: ignore[misc]
                lambda name=name: delete_definition(name, 0, by=ENGINE),  # type: ignore[misc]
            ]
        )
        created = create(RunRequest(name, user_group="finance"), by=ENGINE)
        assert isinstance(created, Creation)
        assert created.run is not None
        assert created.run.definition == put[0]
        assert operations.put_definition(name, fields, by=ENGINE) == (put[0], False)
