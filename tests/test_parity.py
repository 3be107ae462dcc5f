"""Every operation through two doors: asked for the same on equal runs, REST and gRPC give the same yes, with the same
effect, or refuse with the same word."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import grpc
import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.db.backends.signals import connection_created
from littlehorse import model as lh
from pytest_django import Settings

from tests.api.conftest import Caller
from tests.cast import FINANCE, a_definition, a_run, a_user, claimed_by, done_by
from tests.rpc.clients import ANSWERS, Client, id_of, text
from tests.rpc.conftest import channel, client_of  # noqa: F401
from usertasks import operations
from usertasks.actors import actor_for
from usertasks.models import UserTaskComment, UserTaskEvent, UserTaskRun
from usertasks.rpc.interceptor import CODE_KEY, STATUSES
from usertasks.rpc.server import GrpcServer

pytestmark = pytest.mark.django_db(transaction=True)

RUNS, DEFINITIONS = "user-task-runs/", "user-task-defs/"
RESULTS = {"requestedItem": "lightsaber", "justification": "lost the old one"}
WRONG = {"requestedItem": 3, "other": "x"}
WRONG_ANSWERS = {"requestedItem": lh.VariableValue(int=3), "other": text("x")}
IGNORE_CLAIM = lh.SaveUserTaskRunProgressRequest.IGNORE_CLAIM
YES = "yes"


@dataclass(frozen=True)
class Verb:
    """One thing to ask for on a run: `rest` is method, path below the run and body, `rpc` and `message` the same for
    gRPC. A body says `me` where it names whoever asks."""

    rest: tuple[str, str, dict[str, Any] | None]
    rpc: str
    message: dict[str, Any] = field(default_factory=dict)

    def ask_rest(self, caller: Caller, run: UserTaskRun, me: str) -> str:
        method, path, body = self.rest
        named = None if body is None else {name: me if value == "me" else value for name, value in body.items()}
        return word_of_rest(caller, method, f"{RUNS}{run.id.hex}/{path}", named)

    def ask_grpc(self, client: Client, run: UserTaskRun, me: str) -> str:
        if self.rpc == "GetUserTaskRun":
            return word_of_grpc(client, self.rpc, id_of(run))
        named = {name: me if value == "me" else value for name, value in self.message.items()}
        return word_of_grpc(client, self.rpc, REQUEST_OF[self.rpc](user_task_run_id=id_of(run), **named))


REQUEST_OF: dict[str, Any] = {
    "AssignUserTaskRun": lh.AssignUserTaskRunRequest,
    "SaveUserTaskRunProgress": lh.SaveUserTaskRunProgressRequest,
    "CompleteUserTaskRun": lh.CompleteUserTaskRunRequest,
    "CancelUserTaskRun": lh.CancelUserTaskRunRequest,
    "PutUserTaskRunComment": lh.PutUserTaskRunCommentRequest,
    "EditUserTaskRunComment": lh.EditUserTaskRunCommentRequest,
    "DeleteUserTaskRunComment": lh.DeleteUserTaskRunCommentRequest,
}


def assigning(**arguments: Any) -> Verb:
    return Verb(("POST", "assign/", arguments), "AssignUserTaskRun", arguments)


def saving(results: Any, answers: Any, user_id: str = "me") -> Verb:
    body = {"results": results, "user_id": user_id}
    return Verb(("POST", "save-progress/", body), "SaveUserTaskRunProgress", {"results": answers, "user_id": user_id})


def completing(results: Any, answers: Any, user_id: str = "me") -> Verb:
    body = {"results": results, "user_id": user_id}
    return Verb(("POST", "complete/", body), "CompleteUserTaskRun", {"results": answers, "user_id": user_id})


def commenting(method: str, path: str, rpc: str, **arguments: Any) -> Verb:
    body = {name: value for name, value in arguments.items() if name == "comment"}
    return Verb((method, f"comments/{path}", body or None), rpc, {"user_id": "me", **arguments})


VERBS = {
    "look": Verb(("GET", "", None), "GetUserTaskRun"),
    "assign to bob": assigning(user_id="bob"),
    "assign to a group, whoever has it": assigning(user_group="it", override_claim=True),
    "assign to nobody": assigning(override_claim=True),
    "save": saving(RESULTS, ANSWERS),
    "save what is wrong": saving(WRONG, WRONG_ANSWERS),
    "save for alice": saving({"requestedItem": "robe"}, {"requestedItem": text("robe")}, "alice"),
    "save whoever has it": Verb(
        ("POST", "save-progress/", {"results": {}, "policy": "IGNORE_CLAIM", "user_id": "me"}),
        "SaveUserTaskRunProgress",
        {"results": {}, "policy": IGNORE_CLAIM, "user_id": "me"},
    ),
    "complete": completing(RESULTS, ANSWERS),
    "complete with nothing": completing({}, {}),
    "complete for alice": completing(RESULTS, ANSWERS, "alice"),
    "cancel": Verb(("POST", "cancel/", {}), "CancelUserTaskRun"),
    "comment": commenting("POST", "", "PutUserTaskRunComment", comment="Hello"),
    "comment with nothing": commenting("POST", "", "PutUserTaskRunComment", comment="  "),
    "edit the comment": commenting("PATCH", "1/", "EditUserTaskRunComment", user_comment_id=1, comment="Bye"),
    "delete the comment": commenting("DELETE", "1/", "DeleteUserTaskRunComment", user_comment_id=1),
    "delete another comment": commenting("DELETE", "7/", "DeleteUserTaskRunComment", user_comment_id=7),
}


def word_of_rest(caller: Caller, method: str, path: str, body: Any) -> str:
    """`yes`, or the code of the refusal."""
    if method == "POST":
        answer = caller.post(path, body)
    else:
        answer = (
            {"GET": caller.get, "DELETE": caller.delete}[method](path) if body is None else caller.patch(path, body)
        )
    return YES if answer.status_code < 300 else str(answer.json()["code"])


def word_of_grpc(client: Client, rpc: str, request: Any) -> str:
    """`yes`, or the code of the refusal, which has to come with its status."""
    try:
        getattr(client, rpc)(request)
    except grpc.RpcError as error:
        word = str(dict(error.trailing_metadata())[CODE_KEY])
        return word if error.code() is STATUSES[word] else f"{word} as {error.code().name}"
    return YES


@pytest.fixture
def server(transactional_db: None) -> Iterator[GrpcServer]:
    """One that keeps its connection to the database as a pool would: a new one for each of a thousand calls is slow."""
    opened: list[Any] = []

    def remember(connection: Any, **kwargs: Any) -> None:
        opened.append(connection)

    connection_created.connect(remember)
    connection.settings_dict["CONN_MAX_AGE"] = None
    server = GrpcServer(port=0, threads=1)
    server.start()
    yield server
    server.stop(grace=0)
    connection.settings_dict["CONN_MAX_AGE"] = 0
    connection_created.disconnect(remember)
    for kept in opened:
        kept.inc_thread_sharing()
        kept.close()


@dataclass(frozen=True)
class Person:
    """Somebody in front of both doors."""

    name: str
    rest: Caller
    grpc: Client


@pytest.fixture
def people(
    request: pytest.FixtureRequest,
    client_of: Callable[[User], Client],  # noqa: F811
) -> list[Person]:
    """The cast; somebody who may assign and cancel what they do not see; and somebody whose account is closed."""
    users = [request.getfixturevalue(name) for name in ("alice", "bob", "charlie", "mona", "service", "admin")]
    users.append(a_user("blind", permissions=("assign_usertaskrun", "cancel_usertaskrun")))
    closed = a_user("closed", groups=[FINANCE])
    people = [Person(user.username, Caller(user), client_of(user)) for user in [*users, closed]]
    User.objects.filter(pk=closed.pk).update(is_active=False)
    return people


@pytest.fixture
def states(alice: User, admin: User) -> dict[str, UserTaskRun]:
    """A run in each state, with a comment by alice."""
    definition = a_definition()
    states = {
        "waiting": a_run(definition),
        "claimed": claimed_by(alice, definition=definition),
        "personal": a_run(definition, user_id="alice", user_group=None),
        "done": done_by(alice, definition=definition),
        "cancelled": a_run(definition),
    }
    operations.save_progress(states["personal"].id, {"requestedItem": "robe"}, by=actor_for(alice))
    for run in states.values():
        operations.add_comment(run.id, "Hello", by=actor_for(alice))
    operations.cancel(states["cancelled"].id, by=actor_for(admin))
    return states


def copies_of(run: UserTaskRun, count: int) -> list[UserTaskRun]:
    """Runs that are equal but for their ids, as quick to make as a table of a thousand cells needs it."""
    found = UserTaskRun.objects.get(pk=run.pk)
    content = {name: value for name, value in vars(found).items() if name not in ("id", "_state")}
    copies = UserTaskRun.objects.bulk_create(UserTaskRun(id=uuid.uuid4(), **content) for _ in range(count))
    models: tuple[Any, ...] = (UserTaskEvent, UserTaskComment)
    for model in models:
        rows = list(model.objects.filter(run=run).values())
        for row in rows:
            row.pop("id")
        model.objects.bulk_create(model(**row | {"run_id": copy.id}) for copy in copies for row in rows)
    return copies


def effects_on(runs: Sequence[UserTaskRun]) -> list[dict[str, Any]]:
    """Everything that is known of each run, but for ids and times."""
    found = UserTaskRun.objects.prefetch_related("events", "comments").in_bulk([run.id for run in runs])
    names = ("status", "user_id", "user_group", "results", "epoch", "version")
    return [
        {name: getattr(found[run.id], name) for name in names}
        | {"events": [(e.number, e.type, e.actor, e.data) for e in found[run.id].events.all()]}
        | {"comments": [(c.number, c.user_id, c.comment, c.deleted) for c in found[run.id].comments.all()]}
        for run in runs
    ]


def agreed_words(verb: Verb, people: list[Person], run: UserTaskRun) -> list[str]:
    """What each of them is told on a run like this one, which has to be the same at both doors."""
    by_rest, by_grpc = copies_of(run, len(people)), copies_of(run, len(people))
    told = [verb.ask_rest(person.rest, copy, person.name) for person, copy in zip(people, by_rest, strict=True)]
    called = [verb.ask_grpc(person.grpc, copy, person.name) for person, copy in zip(people, by_grpc, strict=True)]
    names = [person.name for person in people]
    assert list(zip(names, told, strict=True)) == list(zip(names, called, strict=True))
    assert list(zip(names, effects_on(by_rest), strict=True)) == list(zip(names, effects_on(by_grpc), strict=True))
    return told


@pytest.mark.parametrize("name", VERBS)
def test_both_doors_give_the_same_answer(people: list[Person], states: dict[str, UserTaskRun], name: str) -> None:
    words = {word for run in states.values() for word in agreed_words(VERBS[name], people, run)}
    assert "not_signed_in" in words
    assert len(words) > 1


@pytest.mark.parametrize("name", ["complete", "complete for alice"])
def test_both_doors_follow_the_policy_of_the_deployment(
    people: list[Person], bob: User, settings: Settings, name: str
) -> None:
    settings.USERTASKS = {**settings.USERTASKS, "COMPLETE_POLICY": "FAIL_IF_CLAIMED_BY_OTHER"}
    assert "already_claimed" in agreed_words(VERBS[name], people, claimed_by(bob))


FIELD = {"name": "answer", "type": "STR"}
BAD_FIELDS = [FIELD, FIELD]


def test_both_doors_agree_about_definitions(people: list[Person]) -> None:
    """Put, put again, put what is wrong, read, delete, delete what is used or gone: each on a name per door."""
    for person in people:
        rest, grpc = f"{person.name}-rest", f"{person.name}-grpc"
        assert list(definitions_by_rest(person.rest, rest)) == list(definitions_by_grpc(person.grpc, grpc)), person.name


def definitions_by_rest(caller: Caller, name: str) -> Any:
    body = {"name": name, "description": "", "fields": [FIELD]}
    for put in (body, body, {**body, "name": "-"}, {**body, "fields": BAD_FIELDS}):
        yield word_of_rest(caller, "POST", DEFINITIONS, put)
    used = f"{name}-used"
    a_run(a_definition(used))
    for path in (f"{name}/", f"{name}/0/", f"{name}/9/", f"{used}/"):
        yield word_of_rest(caller, "GET", DEFINITIONS + path, None)
    for path in (f"{name}/0/", f"{name}/0/", f"{used}/0/"):
        yield word_of_rest(caller, "DELETE", DEFINITIONS + path, None)


def definitions_by_grpc(client: Client, name: str) -> Any:
    for given, fields in ((name, [FIELD]), (name, [FIELD]), ("-", [FIELD]), (name, BAD_FIELDS)):
        put = lh.PutUserTaskDefRequest(name=given, fields=[lh.UserTaskField(**field) for field in fields])
        yield word_of_grpc(client, "PutUserTaskDef", put)
    used = f"{name}-used"
    a_run(a_definition(used))
    yield word_of_grpc(client, "GetLatestUserTaskDef", lh.GetLatestUserTaskDefRequest(name=name))
    for version in (0, 9):
        yield word_of_grpc(client, "GetUserTaskDef", lh.UserTaskDefId(name=name, version=version))
    yield word_of_grpc(client, "GetLatestUserTaskDef", lh.GetLatestUserTaskDefRequest(name=used))
    for given in (name, name, used):
        identity = lh.UserTaskDefId(name=given, version=0)
        yield word_of_grpc(client, "DeleteUserTaskDef", lh.DeleteUserTaskDefRequest(id=identity))


SEARCHES: list[dict[str, str]] = [
    {"status": "ASSIGNED"},
    {"status": "UNASSIGNED", "user_group": FINANCE},
    {"user_id": "alice"},
    {"user_id": "alice", "status": "DONE"},
    {"user_group": FINANCE},
    {"user_task_def_name": "it-request"},
    {"user_task_def_name": "IT-request"},
    {"user_task_def_name": "it-request", "user_id": "alice", "user_group": FINANCE, "status": "ASSIGNED"},
    {"user_id": ""},
    {"user_group": "a\0b"},
]


def test_both_doors_find_the_same_runs_in_the_same_order(people: list[Person], states: dict[str, UserTaskRun]) -> None:
    for person in people:
        for criteria in SEARCHES:
            assert found_by_rest(person.rest, criteria) == found_by_grpc(person.grpc, criteria), (person.name, criteria)


def found_by_rest(caller: Caller, criteria: dict[str, str]) -> list[str] | str:
    answer = caller.client.get(f"/api/v1/{RUNS}", criteria, headers=caller.headers)
    return [run["id"] for run in answer.json()["results"]] if answer.status_code == 200 else answer.json()["code"]


def found_by_grpc(client: Client, criteria: dict[str, str]) -> list[str] | str:
    request: Any = lh.SearchUserTaskRunRequest(**criteria)
    word = word_of_grpc(client, "SearchUserTaskRun", request)
    return word if word != YES else [found.user_task_guid for found in client.SearchUserTaskRun(request).results]
