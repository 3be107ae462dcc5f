"""Every operation that has an RPC answers over gRPC as the domain does: the same yes, the same word of no."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import grpc
import pytest
from django.contrib.auth.models import User
from django.db import transaction
from littlehorse import model as lh

from tests.cast import a_definition, a_run, claimed_by, done_by
from tests.rpc.clients import ANSWERS, Client, id_of
from usertasks import operations
from usertasks.actors import Actor, actor_for
from usertasks.errors import Refused
from usertasks.models import UserTaskRun
from usertasks.rpc.interceptor import CODE_KEY, STATUSES

pytestmark = pytest.mark.django_db(transaction=True)

RESULTS = {"requestedItem": "lightsaber", "justification": "lost the old one"}


@dataclass(frozen=True)
class Verb:
    """One operation: how the domain is asked, and how LittleHorse's client asks for the same."""

    domain: Callable[[UserTaskRun, Actor], Any]
    rpc: str
    request: Callable[[UserTaskRun, str], Any]


VERBS = {
    "assign": Verb(
        lambda run, by: operations.assign(run.id, by=by, user_id="bob"),
        "AssignUserTaskRun",
        lambda run, me: lh.AssignUserTaskRunRequest(user_task_run_id=id_of(run), user_id="bob"),
    ),
    "assign with override": Verb(
        lambda run, by: operations.assign(run.id, by=by, user_group="it", override_claim=True),
        "AssignUserTaskRun",
        lambda run, me: lh.AssignUserTaskRunRequest(user_task_run_id=id_of(run), user_group="it", override_claim=True),
    ),
    "save": Verb(
        lambda run, by: operations.save_progress(run.id, RESULTS, by=by),
        "SaveUserTaskRunProgress",
        lambda run, me: lh.SaveUserTaskRunProgressRequest(user_task_run_id=id_of(run), user_id=me, results=ANSWERS),
    ),
    "save for alice": Verb(
        lambda run, by: operations.save_progress(run.id, RESULTS, by=by, user_id="alice"),
        "SaveUserTaskRunProgress",
        lambda run, me: lh.SaveUserTaskRunProgressRequest(
            user_task_run_id=id_of(run), user_id="alice", results=ANSWERS
        ),
    ),
    "complete": Verb(
        lambda run, by: operations.complete(run.id, RESULTS, by=by),
        "CompleteUserTaskRun",
        lambda run, me: lh.CompleteUserTaskRunRequest(user_task_run_id=id_of(run), user_id=me, results=ANSWERS),
    ),
    "complete with nothing": Verb(
        lambda run, by: operations.complete(run.id, {}, by=by),
        "CompleteUserTaskRun",
        lambda run, me: lh.CompleteUserTaskRunRequest(user_task_run_id=id_of(run), user_id=me),
    ),
    "complete for alice": Verb(
        lambda run, by: operations.complete(run.id, RESULTS, by=by, user_id="alice"),
        "CompleteUserTaskRun",
        lambda run, me: lh.CompleteUserTaskRunRequest(user_task_run_id=id_of(run), user_id="alice", results=ANSWERS),
    ),
    "cancel": Verb(
        lambda run, by: operations.cancel(run.id, by=by),
        "CancelUserTaskRun",
        lambda run, me: lh.CancelUserTaskRunRequest(user_task_run_id=id_of(run)),
    ),
    "comment": Verb(
        lambda run, by: operations.add_comment(run.id, "Hello", by=by),
        "PutUserTaskRunComment",
        lambda run, me: lh.PutUserTaskRunCommentRequest(user_task_run_id=id_of(run), user_id=me, comment="Hello"),
    ),
    "edit the comment": Verb(
        lambda run, by: operations.edit_comment(run.id, 1, "Bye", by=by),
        "EditUserTaskRunComment",
        lambda run, me: lh.EditUserTaskRunCommentRequest(
            user_task_run_id=id_of(run), user_comment_id=1, user_id=me, comment="Bye"
        ),
    ),
    "delete the comment": Verb(
        lambda run, by: operations.delete_comment(run.id, 1, by=by),
        "DeleteUserTaskRunComment",
        lambda run, me: lh.DeleteUserTaskRunCommentRequest(user_task_run_id=id_of(run), user_comment_id=1, user_id=me),
    ),
}


@pytest.fixture
def people(request: pytest.FixtureRequest) -> list[User]:
    return [request.getfixturevalue(name) for name in ("alice", "bob", "charlie", "mona", "service", "admin")]


@pytest.fixture
def runs(people: list[User]) -> list[UserTaskRun]:
    """A run in each state, each with a comment by alice."""
    alice, *_, admin = people
    definition = a_definition()
    waiting, cancelled = a_run(definition), a_run(definition)
    runs = [waiting, claimed_by(alice, definition=definition), done_by(alice, definition=definition), cancelled]
    for run in runs:
        operations.add_comment(run.id, "Hello", by=actor_for(alice))
    operations.cancel(cancelled.id, by=actor_for(admin))
    return runs


class _Undo(Exception):
    """Takes back what the domain was asked for, so that gRPC finds the same."""


def word_of_the_domain(verb: Verb, run: UserTaskRun, person: User) -> str:
    try:
        with transaction.atomic():
            verb.domain(run, actor_for(person))
            raise _Undo
    except _Undo:
        return "yes"
    except Refused as refusal:
        return refusal.code


def word_of_the_client(verb: Verb, run: UserTaskRun, person: User, client: Client) -> str:
    try:
        getattr(client, verb.rpc)(verb.request(run, person.username))
    except grpc.RpcError as error:
        word = str(dict(error.trailing_metadata())[CODE_KEY])
        return word if error.code() is STATUSES[word] else f"{word} as {error.code().name}"
    return "yes"


@pytest.mark.parametrize("number", range(4), ids=["waiting", "claimed", "done", "cancelled"])
@pytest.mark.parametrize("name", VERBS)
def test_grpc_answers_as_the_domain_does(
    client_of: Callable[[User], Client], people: list[User], runs: list[UserTaskRun], name: str, number: int
) -> None:
    verb, run = VERBS[name], runs[number]
    for person in people:
        expected = word_of_the_domain(verb, run, person)
        assert (person.username, word_of_the_client(verb, run, person, client_of(person))) == (
            person.username,
            expected,
        )


def test_every_word_of_the_contract_has_its_status() -> None:
    codes = {kind.code for kind in Refused.__subclasses__() if kind.__module__ == Refused.__module__}
    assert codes == set(STATUSES)
