"""What one may not see never shows: not by its address, in a list, a count, a cursor or an error, nor by the time.

The addresses are those of the application itself, so that a new one is asked for the same without being named here.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from tests.api.conftest import API
from tests.cast import a_run, a_user
from tests.inbox.pages import signed_in
from tests.leaks.addresses import DASHED, GUESS, Address, addresses
from tests.leaks.secret import GROUP, INTRUDERS, MARK, OWNER, WORKFLOW, Secret, plant, the_definition
from usertasks import feed
from usertasks.bulk import ACTIONS
from usertasks.filterset import UserTaskRunFilterSet
from usertasks.models import Delivery, UserTaskRun, WebhookEndpoint

pytestmark = pytest.mark.django_db

CHANGING = re.compile(
    rb'(?:nonce|name="csrfmiddlewaretoken" value|data-now|data-settled)="[^"]*"|<time[^>]*>[^<]*</time>'
    rb'|"next_after": ?\d+|(?:Content-Length|Expires|Last-Modified): [^\n]*'
)
"""What differs between two answers that say the same. A position in the feed counts the events of everybody."""
BODIES: dict[str, Any] = {
    "assign/": {"user_id": "charlie", "override_claim": True},
    "save-progress/": {"results": {"answer": "x", "nonsense": 1}, "policy": "IGNORE_CLAIM"},
    "complete/": {"results": {"answer": "x", "nonsense": 1}},
    "comments/": {"comment": "x"},
}
BUTTONS = ("claim", "release", "save_progress", "complete", "assign", "cancel", "add_comment", "delete_comment:1")


@pytest.fixture(params=INTRUDERS)
def intruder(request: pytest.FixtureRequest, db: None) -> Client:
    the_definition()
    client = INTRUDERS[request.param]()
    client.get("/inbox/")  # what is done once, at the first request, is done
    client.get(API + "user-task-defs/")
    return client


def requests_of(address: Address) -> Iterator[tuple[str, dict[str, Any]]]:
    """(method, what is sent): all that may be sent there."""
    yield "GET", {}
    if not address.names_something:
        return
    if "api/" in address.pattern:
        tail = next((tail for tail in BODIES if address.pattern.endswith(tail)), "")
        body = {"content_type": "application/json", "data": json.dumps(BODIES.get(tail, {}))}
        yield from ((method, body) for method in ("POST", "PATCH", "DELETE"))
    elif address.pattern.endswith("tasks/<run_id:run_id>/"):
        form = {"move-user": "charlie", "move-sure": "1", "comment": "x", "results-answer": "x", "version": "1"}
        yield from (("POST", {"data": {"action": button, **form}}) for button in BUTTONS)
    else:
        yield "POST", {"data": {"results-answer": "x", "state": "1"}}


def ask(client: Client, method: str, path: str, sent: dict[str, Any]) -> tuple[int, bytes, list[str]]:
    """The status, what is said in headers and body, and the shapes of the statements that it took."""
    client.cookies.pop("messages", None)  # what the answer before left to say
    with CaptureQueriesContext(connection) as queries:
        answer = getattr(client, method.lower())(path, **sent)
    headers = "".join(f"{name}: {value}\n" for name, value in answer.items() if name != "Content-Security-Policy")
    content = b"".join(answer.streaming_content) if answer.streaming else answer.content
    return answer.status_code, headers.encode() + content, [shape_of(query["sql"]) for query in queries]


def shape_of(sql: str) -> str:
    """A statement without its values."""
    return re.sub(r"'[^']*'|\bs\d+_x\d+\b|\b[0-9a-f]{32}\b|\b\d+\b|NULL", "?", sql)


def plain(said: bytes, path: str, secret: Secret) -> bytes:
    """What was said, without the address asked for and what changes anyway."""
    for name in (path, secret.run.id.hex, str(secret.run.id), GUESS, DASHED):
        said = said.replace(name.encode(), b"ID")
    return CHANGING.sub(b"", said)


def assert_that_it_is_like_nothing(intruder: Client, secret: Secret, asked: Iterable[Address]) -> None:
    """By every method: no mark of it, the same answer to the byte, and the same statements."""
    state = UserTaskRun.objects.filter(pk=secret.run.pk).values().get()
    for address in asked:
        for method, sent in requests_of(address):
            place = (method, address.pattern, sent)
            status, said, statements = ask(intruder, method, address.secret, sent)
            assert status < 500, place
            assert MARK.encode() not in said.lower(), place
            if address.names_something:
                never = ask(intruder, method, address.guess, sent)
                assert status == never[0], place
                assert plain(said, address.secret, secret) == plain(never[1], address.guess, secret), place
                assert statements == never[2], place
    assert UserTaskRun.objects.filter(pk=secret.run.pk).values().get() == state


@pytest.mark.parametrize(
    "intruder",
    ["stranger", "lead of another group", "mover who sees nothing", "token that is not for runs"],
    indirect=True,
)
def test_what_is_hidden_is_like_what_never_was(intruder: Client) -> None:
    """At every address but those of the admin, where one has to be staff."""
    secret = plant()
    outside = (address for address in addresses(secret) if not address.pattern.startswith("admin/"))
    assert_that_it_is_like_nothing(intruder, secret, outside)


def test_what_is_hidden_is_like_what_never_was_in_the_other_form_of_an_id() -> None:
    the_definition()
    client, secret = INTRUDERS["stranger"](), plant()
    with_guid = (a for a in addresses(secret, dashed=True) if "<guid" in a.pattern or "<run_id" in a.pattern)
    assert_that_it_is_like_nothing(client, secret, with_guid)


def test_the_admin_shows_nothing_to_staff_without_rights() -> None:
    the_definition()
    client, secret = INTRUDERS["staff without rights"](), plant()
    inside = (address for address in addresses(secret) if address.pattern.startswith("admin/"))
    assert_that_it_is_like_nothing(client, secret, inside)


def lists() -> list[str]:
    """Every list there is, each filter of the search with a value that would find the hidden run, and some others."""
    found: list[str] = ["/inbox/", "/inbox/groups/", "/inbox/done/", "/inbox/all/", "/admin/", "/inbox/nowhere/"]
    values = {
        "status": "ASSIGNED",
        "user_task_def_name": "question",
        "user_id": OWNER,
        "user_group": GROUP,
        "earliest_start": "2020-01-01T00:00:00Z",
        "latest_start": "2100-01-01T00:00:00Z",
        "wf_run_id": WORKFLOW,
        "overdue": "false",
        "text": MARK,
        "snoozed": "false",
        "sort": "priority",
    }
    assert set(values) == set(UserTaskRunFilterSet.base_filters)
    for name, value in values.items():
        found += [f"{API}user-task-runs/?{name}={value}", f"/inbox/all/?{name}={value.removesuffix('Z')}"]
        found.append(f"{API}user-task-runs/count/?{name}={value}")
    paths = ("user-task-runs/", "user-task-runs/?limit=1", "events/", "webhook-endpoints/", "user-task-runs/?user_id=")
    return found + [API + path for path in paths]


def test_lists_counts_and_the_feed_are_the_same_with_it_and_without_it(intruder: Client) -> None:
    for number in range(2):
        a_run(the_definition(), user_group="it", notes=f"seen {number}")
    feed.publish(timezone.now())
    paths = lists()
    before = [ask(intruder, "GET", path, {}) for path in paths]
    secret = plant()
    for path, (status, said, _statements) in zip(paths, before, strict=True):
        now = ask(intruder, "GET", path, {})
        assert now[0] == status, path
        assert plain(now[1], path, secret) == plain(said, path, secret), path


def test_a_cursor_of_somebody_who_sees_everything_opens_nothing(intruder: Client, mona: User) -> None:
    for _ in range(2):
        a_run(the_definition(), user_group="it")
    plant()
    pages = (
        "user-task-runs/?limit=1",
        "user-task-runs/?limit=1&status=ASSIGNED",
        "user-task-runs/?limit=1&user_id=" + OWNER,
    )
    for path in pages:
        link = signed_in(mona).get(API + path).json()["next"] or API + path
        answer = intruder.get(link)
        assert MARK not in answer.content.decode().replace(OWNER, "").lower(), path
        groups = {run["user_group"] for run in answer.json().get("results", [])}
        assert groups <= {"it"}, path
    places = f"{timezone.now().isoformat()}_{GUESS}"
    assert MARK not in intruder.get("/inbox/all/", {"after": places}).content.decode()


@pytest.mark.parametrize("is_dry_run", [True, False], ids=["dry run", "for real"])
def test_bulk_tells_of_it_what_it_tells_of_nothing(intruder: Client, is_dry_run: bool) -> None:
    secret = plant()
    for action in ACTIONS:
        arguments = {"user_id": "x", "override_claim": True} if action == "assign" else {}
        body = {"action": action, "arguments": arguments, "dry_run": is_dry_run}
        answer = post(intruder, "user-task-runs/bulk/", {**body, "ids": [secret.run.id.hex, GUESS]})
        if answer.status_code == 200:
            hidden, never = answer.json()["results"]
            assert {**hidden, "id": ""} == {**never, "id": ""}, action
        found = post(intruder, "user-task-runs/bulk/", {**body, "filter": {"user_group": secret.run.user_group}})
        assert found.json().get("results", []) == [], action


def post(client: Client, path: str, body: Any) -> Any:
    return client.post(API + path, json.dumps(body), content_type="application/json")


def test_to_create_what_is_there_tells_no_more_than_that_the_id_is_taken() -> None:
    the_definition()
    creator = signed_in(a_user("creator", permissions=["add_usertaskrun"]))
    secret = plant()
    request = {"id": secret.run.id.hex, "user_task_def": {"name": "question"}, "user_id": "x"}
    one = post(creator, "user-task-runs/", request)
    many = post(creator, "user-task-runs/batch/", {"runs": [request], "atomic": False})
    assert (one.status_code, one.json()["code"]) == (409, "already_exists")
    assert many.json()["results"][0]["code"] == "already_exists"
    assert MARK not in one.content.decode() + many.content.decode()


def test_whoever_created_it_learns_nothing_of_what_became_of_it_by_asking_again() -> None:
    the_definition()
    creator = signed_in(a_user("creator", permissions=["add_usertaskrun"]))
    request = {"id": GUESS, "user_task_def": {"name": "question"}, "user_group": "finance"}
    first = post(creator, "user-task-runs/", request).json()
    UserTaskRun.objects.filter(pk=GUESS).update(user_id=OWNER, status="ASSIGNED", results={"answer": MARK}, version=7)
    again = post(creator, "user-task-runs/", request)
    assert (again.status_code, MARK in again.content.decode()) == (200, False)
    assert again.json() == first
    assert again["ETag"] == '"1"'


def test_whoever_may_no_longer_see_everything_is_told_of_no_delivery_but_of_what_they_see() -> None:
    the_definition()
    wanda = a_user("wanda", groups=["it"])
    endpoint = WebhookEndpoint.objects.create(owner=wanda, url="https://wanda.example.com/")
    seen = a_run(the_definition(), user_group="it")
    secret = plant()
    delivery = Delivery.objects.filter(endpoint=endpoint, run=secret.run)[0]
    client, path = signed_in(wanda), f"{API}webhook-endpoints/{endpoint.id.hex}/deliveries/"
    told = client.get(path).json()["results"]
    assert {row["event"]["run_id"] for row in told} == {seen.id.hex}
    assert MARK not in json.dumps([{**row, "response": ""} for row in told])
    again = [post(client, f"{path.removeprefix(API)}{number}/redeliver/", {}) for number in (delivery.pk, 987654321)]
    assert [(answer.status_code, answer.json()["code"]) for answer in again] == [(403, "not_allowed")] * 2


def test_explain_of_somebody_is_for_those_who_answer_for_the_task_only() -> None:
    the_definition()
    run = a_run(the_definition(), user_group="it", user_id="charlie")
    charlie = signed_in(a_user("charlie", groups=["it"]))
    plant()
    path = f"{API}user-task-runs/{run.id.hex}/explain/?user_id="
    answers = [charlie.get(path + name) for name in (OWNER, "never-was")]
    assert [answer.status_code for answer in answers] == [403, 403]
    assert answers[0].content == answers[1].content
    page = charlie.get(f"/inbox/tasks/{run.id.hex}/?explain={OWNER}").content.decode()
    assert OWNER not in page.replace(f"explain={OWNER}", "")
