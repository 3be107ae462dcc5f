"""What a token is for holds at every door: each endpoint and each RPC takes the scope that it says here, and no other
will do. Both lists are those of the router and of the server: a new one has to be given its scope here."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import grpc
import pytest
from django.contrib.auth.models import User
from django.test import Client as HttpClient
from django.urls import reverse
from django.utils import timezone
from google.protobuf.empty_pb2 import Empty
from littlehorse import model as lh

from tests.cast import a_definition, a_run, claimed_by
from tests.rpc.clients import ANSWERS, Client, id_of
from tests.rpc.conftest import channel, server  # noqa: F401
from usertasks import bulk, operations
from usertasks.actors import Actor, Scope, actor_for
from usertasks.api.urls import urlpatterns
from usertasks.feed import publish
from usertasks.models import ApiToken, UserTaskRun
from usertasks.rpc.interceptor import CODE_KEY
from usertasks.rpc.servicer import SERVED

ANY = None
"""A token for anything at all will do."""
READ, WRITE, PUT, ALL = Scope.RUNS_READ, Scope.RUNS_WRITE, Scope.DEFS_WRITE, Scope.ADMIN
URL = "https://hooks.example.com/in"
FIELD = {"name": "answer", "type": "STR"}
RESULTS = {"requestedItem": "lightsaber", "justification": "lost the old one"}


@dataclass(frozen=True)
class Endpoint:
    """The scope it takes, and a body that it accepts; what a test has made stands in for `$name`."""

    scope: Scope | None
    body: Any = None


ENDPOINTS: Mapping[tuple[str, str], Endpoint] = {
    ("definitions", "get"): Endpoint(ANY),
    ("definitions", "post"): Endpoint(PUT, {"name": "another", "fields": [FIELD]}),
    ("newest", "get"): Endpoint(ANY),
    ("definition", "get"): Endpoint(ANY),
    ("definition", "delete"): Endpoint(PUT),
    ("results-schema", "get"): Endpoint(ANY),
    ("runs", "get"): Endpoint(READ),
    ("runs", "post"): Endpoint(WRITE, {"user_task_def": {"name": "it-request"}, "user_group": "it"}),
    ("batch", "post"): Endpoint(WRITE, {"runs": [{"user_task_def": {"name": "it-request"}, "user_group": "it"}]}),
    ("bulk", "post"): Endpoint(WRITE, {"action": "cancel", "ids": ["$pk"]}),
    ("undo", "post"): Endpoint(WRITE, {}),
    ("run", "get"): Endpoint(READ),
    ("claim", "post"): Endpoint(WRITE, {}),
    ("release", "post"): Endpoint(WRITE, {}),
    ("assign", "post"): Endpoint(WRITE, {"user_id": "bob", "override_claim": True}),
    ("save_progress", "post"): Endpoint(WRITE, {"results": {}}),
    ("complete", "post"): Endpoint(WRITE, {"results": RESULTS}),
    ("cancel", "post"): Endpoint(WRITE, {}),
    ("snooze", "post"): Endpoint(WRITE, {"until": (timezone.now() + timedelta(days=1)).isoformat()}),
    ("wake", "post"): Endpoint(WRITE, {}),
    ("claim-next", "post"): Endpoint(WRITE, {}),
    ("count", "get"): Endpoint(READ),
    ("explain", "get"): Endpoint(READ),
    ("outcome", "get"): Endpoint(READ),
    ("events", "get"): Endpoint(READ),
    ("comments", "get"): Endpoint(READ),
    ("comments", "post"): Endpoint(WRITE, {"comment": "Hello"}),
    ("comment", "patch"): Endpoint(WRITE, {"comment": "Bye"}),
    ("comment", "delete"): Endpoint(WRITE),
    ("feed", "get"): Endpoint(READ),
    ("webhook-endpoints", "get"): Endpoint(ALL),
    ("webhook-endpoints", "post"): Endpoint(ALL, {"url": URL, "event_types": []}),
    ("webhook-endpoint", "get"): Endpoint(ALL),
    ("webhook-endpoint", "patch"): Endpoint(ALL, {"active": False}),
    ("webhook-endpoint", "delete"): Endpoint(ALL),
    ("webhook-deliveries", "get"): Endpoint(ALL),
    ("redeliver", "post"): Endpoint(ALL, {}),
}
WITHOUT_ACTIONS = {"schema", "docs", None}
"""The description of the API, and what has no path."""


def suffices(scope: Scope, needed: Scope | None) -> bool:
    return needed in (ANY, scope) or scope is ALL or (scope, needed) == (WRITE, READ)


def served_endpoints() -> Iterator[tuple[str, str]]:
    for pattern in urlpatterns:
        for method in getattr(pattern.callback, "actions", None) or ():
            if method != "head":
                yield str(pattern.name), method


def test_every_endpoint_has_its_scope_here() -> None:
    assert set(served_endpoints()) == set(ENDPOINTS)
    others = {pattern.name for pattern in urlpatterns if not getattr(pattern.callback, "actions", None)}
    assert others == WITHOUT_ACTIONS


@dataclass
class Tokens:
    """A token of a superuser for each scope alone."""

    user: User
    texts: dict[Scope, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.texts = {scope: ApiToken.objects.issue(self.user, scopes=[scope]) for scope in Scope}


@dataclass(frozen=True)
class World:
    """One of everything that a path may name."""

    run: UserTaskRun
    names: Mapping[str, dict[str, Any]]

    def url(self, name: str) -> str:
        return reverse(f"api:{name}", kwargs=self.names.get(name, {}))


def a_world(by: Actor, name: str) -> World:
    run = a_run() if name == "claim" else claimed_by(User.objects.get(username=by.user_id), user_group="finance")
    operations.add_comment(run.id, "Hello", by=by)
    here = {"pk": run.id.hex}
    a_definition("unused")
    hook = operations.create_endpoint(URL, event_types=[], description="", by=by)
    of_run = (
        "run",
        "claim",
        "release",
        "assign",
        "save_progress",
        "complete",
        "cancel",
        "explain",
        "outcome",
        "snooze",
        "wake",
    )
    names: dict[str, dict[str, Any]] = dict.fromkeys((*of_run, "events", "comments"), here)
    names |= {each: {"name": "unused", "version": 0} for each in ("definition", "results-schema")}
    names |= {each: {"pk": hook.id.hex} for each in ("webhook-endpoint", "webhook-deliveries")}
    names |= {"newest": {"name": "unused"}, "comment": {**here, "number": 1}}
    if name == "redeliver":
        operations.cancel(run.id, by=by)
        publish(run.scheduled_time)
        names["redeliver"] = {"pk": hook.id.hex, "number": hook.deliveries.latest("id").pk}
    if name == "undo":
        change = bulk.change_many("release", [run.id], {}, by=by)[1]
        assert change is not None
        names["undo"] = {"pk": change.pk.hex}
    return World(run, names)


def answer_to(world: World, name: str, method: str, token: str) -> tuple[int, str | None]:
    body = json.dumps(ENDPOINTS[name, method].body).replace("$pk", world.run.id.hex)
    sent = body if ENDPOINTS[name, method].body is not None else ""
    headers = {"Authorization": f"Bearer {token}"}
    answer = HttpClient().generic(
        method.upper(), world.url(name), sent, content_type="application/json", headers=headers
    )
    code = answer.json().get("code") if answer.status_code >= 400 else None
    return answer.status_code, code


@pytest.mark.parametrize(("name", "method"), ENDPOINTS)
def test_an_endpoint_takes_its_scope_and_no_other(admin: User, bob: User, name: str, method: str) -> None:
    admin.groups.set(bob.groups.all())
    world, tokens = a_world(actor_for(admin), name), Tokens(admin)
    needed = ENDPOINTS[name, method].scope
    enough = [scope for scope in Scope if suffices(scope, needed)]
    for scope in [scope for scope in Scope if scope not in enough]:
        assert answer_to(world, name, method, tokens.texts[scope]) == (403, "not_allowed"), scope
    status, code = answer_to(world, name, method, tokens.texts[enough[0]])
    assert (status < 300, code) == (True, None)


def definition(name: str) -> Any:
    return lh.UserTaskDefId(name=name, version=0)


@dataclass(frozen=True)
class Call:
    """The scope an RPC takes, and what makes its request from a run."""

    scope: Scope | None
    request: Any


def on_run(kind: Any, **arguments: Any) -> Any:
    return lambda run: kind(user_task_run_id=id_of(run), **arguments)


CALLS: Mapping[str, Call] = {
    "Whoami": Call(ANY, lambda run: Empty()),
    "GetServerVersion": Call(ANY, lambda run: Empty()),
    "GetUserTaskDef": Call(ANY, lambda run: definition("unused")),
    "GetLatestUserTaskDef": Call(ANY, lambda run: lh.GetLatestUserTaskDefRequest(name="unused")),
    "SearchUserTaskDef": Call(ANY, lambda run: lh.SearchUserTaskDefRequest()),
    "PutUserTaskDef": Call(
        PUT, lambda run: lh.PutUserTaskDefRequest(name="another", fields=[lh.UserTaskField(**FIELD)])
    ),
    "DeleteUserTaskDef": Call(PUT, lambda run: lh.DeleteUserTaskDefRequest(id=definition("unused"))),
    "GetUserTaskRun": Call(READ, id_of),
    "SearchUserTaskRun": Call(READ, lambda run: lh.SearchUserTaskRunRequest(user_id="admin")),
    "ListUserTaskRuns": Call(READ, lambda run: lh.ListUserTaskRunRequest(wf_run_id=lh.WfRunId(id=run.wf_run_id))),
    "AssignUserTaskRun": Call(WRITE, on_run(lh.AssignUserTaskRunRequest, user_id="admin", override_claim=True)),
    "SaveUserTaskRunProgress": Call(WRITE, on_run(lh.SaveUserTaskRunProgressRequest, results=ANSWERS, user_id="admin")),
    "PutUserTaskRunComment": Call(WRITE, on_run(lh.PutUserTaskRunCommentRequest, user_id="admin", comment="Hello")),
    "EditUserTaskRunComment": Call(
        WRITE, on_run(lh.EditUserTaskRunCommentRequest, user_id="admin", user_comment_id=1, comment="Bye")
    ),
    "DeleteUserTaskRunComment": Call(
        WRITE, on_run(lh.DeleteUserTaskRunCommentRequest, user_id="admin", user_comment_id=1)
    ),
    "CompleteUserTaskRun": Call(WRITE, on_run(lh.CompleteUserTaskRunRequest, results=ANSWERS, user_id="admin")),
    "CancelUserTaskRun": Call(WRITE, on_run(lh.CancelUserTaskRunRequest)),
}


def test_every_rpc_has_its_scope_here() -> None:
    assert set(CALLS) == SERVED


def test_an_rpc_takes_its_scope_and_no_other(channel: Any, admin: User) -> None:  # noqa: F811
    tokens, a = Tokens(admin), actor_for(admin)
    a_definition("unused")
    for name, call in CALLS.items():
        run = a_run(user_id="admin")
        operations.add_comment(run.id, "Hello", by=a)
        enough = [scope for scope in Scope if suffices(scope, call.scope)]
        words = {
            scope: word_of(channel, tokens.texts[scope], name, call.request(run))
            for scope in Scope
            if scope not in enough
        }
        assert set(words.values()) <= {"not_allowed"}, (name, words)
        assert word_of(channel, tokens.texts[enough[0]], name, call.request(run)) is None, name


def word_of(channel: Any, token: str, name: str, request: Any) -> str | None:  # noqa: F811
    try:
        getattr(Client(channel, token), name)(request)
    except grpc.RpcError as error:
        return str(dict(error.trailing_metadata())[CODE_KEY])
    return None


def test_acting_for_others_takes_both_scopes(admin: User, alice: User) -> None:
    run = claimed_by(alice)
    for scopes, status in (
        ([Scope.RUNS_WRITE], 403),
        ([Scope.RUNS_ACT_ON_BEHALF], 403),
        ([Scope.RUNS_WRITE, Scope.RUNS_ACT_ON_BEHALF], 200),
    ):
        headers = {"Authorization": f"Bearer {ApiToken.objects.issue(admin, scopes=scopes)}"}
        body = {"results": RESULTS, "user_id": "alice"}
        path = reverse("api:save_progress", kwargs={"pk": run.id.hex})
        answer = HttpClient().post(path, body, content_type="application/json", headers=headers)
        assert answer.status_code == status, scopes
