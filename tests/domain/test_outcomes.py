"""The outcome of a run: what whoever waits for it gets."""

from __future__ import annotations

import uuid

import pytest
from django.contrib.auth.models import User

from tests.cast import a_definition, a_run, claimed_by, done_by
from usertasks import operations
from usertasks.actors import actor_for
from usertasks.errors import NotFound
from usertasks.models import UserTaskField
from usertasks.outcomes import Failure, Outcome, find_outcome, outcome_of

pytestmark = pytest.mark.django_db


def test_an_open_run_has_neither_output_nor_failure(alice: User) -> None:
    for run in (a_run(), claimed_by(alice)):
        assert outcome_of(run) == Outcome(run.status)
        assert not outcome_of(run).is_final


def test_the_output_has_every_field_of_the_version_that_was_asked(alice: User) -> None:
    fields = [UserTaskField(name=name, type="INT", required=False) for name in ("a", "b")]
    run = a_run(a_definition("form", fields), user_id="alice")
    a_definition("form", [UserTaskField(name="c", type="INT")])
    outcome = outcome_of(operations.complete(run.id, {"a": 1}, by=actor_for(alice)))
    assert outcome.output == {"a": 1, "b": None}
    assert outcome.is_final


def test_a_form_without_fields_has_an_empty_output(alice: User) -> None:
    run = a_run(a_definition("nothing", []), user_id="alice")
    outcome = outcome_of(operations.complete(run.id, {}, by=actor_for(alice)))
    assert (outcome.output, outcome.is_final) == ({}, True)


@pytest.mark.parametrize("name", [None, "too-late"])
def test_a_cancellation_is_an_error_unless_the_workflow_has_named_an_exception(mona: User, name: str | None) -> None:
    run = operations.cancel(a_run(on_cancellation_exception_name=name).id, by=actor_for(mona))
    failure = outcome_of(run).failure
    assert isinstance(failure, Failure)
    assert (failure.name, failure.kind) == ((name, "EXCEPTION") if name else ("USER_TASK_CANCELLED", "ERROR"))
    assert outcome_of(run).is_final


def test_what_was_saved_before_the_cancellation_is_no_output(alice: User, mona: User) -> None:
    run = claimed_by(alice)
    operations.save_progress(run.id, {"requestedItem": "robe"}, by=actor_for(alice))
    assert outcome_of(operations.cancel(run.id, by=actor_for(mona))).output is None


def test_only_who_sees_the_run_finds_its_outcome(alice: User, bob: User, charlie: User) -> None:
    run = done_by(alice)
    assert find_outcome(run.id, by=actor_for(bob)).is_final
    for run_id, user in ((run.id, charlie), (uuid.uuid4(), alice)):
        with pytest.raises(NotFound):
            find_outcome(run_id, by=actor_for(user))
