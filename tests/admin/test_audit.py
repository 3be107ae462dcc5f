"""The audit in the admin: who may read it, what they see of it, how it is narrowed down, and the file it becomes."""

from __future__ import annotations

import csv
import io
import json
from contextlib import suppress
from typing import Any

import pytest
from django.contrib.auth.models import Group, User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from tests.admin.pages import Page, signed_in, url
from tests.audit.histories import a_story
from tests.cast import a_run, a_user
from usertasks import operations
from usertasks.actors import Actor, Door, Origin
from usertasks.errors import Refused
from usertasks.models import Refusal, UserTaskEvent, UserTaskRun
from usertasks.roles import Role

pytestmark = pytest.mark.django_db

EVENTS, REFUSALS = "admin:usertasks_usertaskevent_", "admin:usertasks_refusal_"


def with_role(role: Role) -> User:
    user = a_user(f"the-{role}", is_staff=True)
    user.groups.add(Group.objects.get(name=role))
    return user


def a_refusal(run: UserTaskRun, name: str = "mallory") -> Refusal:
    with suppress(Refused):
        operations.claim(run.id, by=Actor(name, origin=Origin(Door.GRPC, "192.0.2.9")))
    return Refusal.objects.latest("id")


def listed(client: Client, name: str, **narrowed: Any) -> str:
    response = client.get(url(f"{name}changelist"), narrowed)
    assert response.status_code == 200
    return response.content.decode().partition('id="result_list"')[2].partition("</table>")[0]


def exported(client: Client, name: str, form: str, **narrowed: Any) -> str:
    response: Any = client.get(url(f"{name}export", form), narrowed)
    assert response.status_code == 200
    assert response.streaming
    assert response["Content-Disposition"].startswith("attachment")
    return b"".join(response.streaming_content).decode()


def test_events_say_who_did_what_from_where() -> None:
    run = a_story()
    client = signed_in(with_role(Role.MANAGER))
    text = listed(client, EVENTS)
    for fact in ("alice", "Saved", run.id.hex[:8], "rest", "192.0.2.7"):
        assert fact in text
    event = run.events.get(number=3)
    page = Page(client.get(url(f"{EVENTS}change", event.pk)))
    for fact in ("lightsaber", event.link, f"at {event.position} of the feed"):
        assert fact in page.text


def test_refusals_are_for_those_who_may_see_them() -> None:
    a_refusal(a_run())
    text = listed(signed_in(with_role(Role.ADMIN)), REFUSALS)
    for fact in ("mallory", "claim", "not_found", "grpc", "192.0.2.9"):
        assert fact in text
    manager = signed_in(with_role(Role.MANAGER))
    for page in (url(f"{REFUSALS}changelist"), url(f"{REFUSALS}export", "csv")):
        assert manager.get(page).status_code == 403


def test_whoever_does_not_see_every_run_sees_the_audit_of_theirs() -> None:
    seen, unseen = a_story(), a_run(user_group="it")
    a_refusal(seen), a_refusal(unseen, "trudy")
    with suppress(Refused):
        operations.create(operations.RunRequest("it-request", user_group="it"), by=Actor("trent"))
    reader = a_user("rita", groups=["finance"], permissions=["view_usertaskevent", "view_refusal"], is_staff=True)
    client = signed_in(reader)
    lines = [json.loads(line) for line in exported(client, EVENTS, "jsonl").splitlines()]
    assert {line["run_id"] for line in lines} == {seen.id.hex}
    assert unseen.id.hex[:8] not in listed(client, EVENTS)
    assert [line["actor"] for line in csv.DictReader(io.StringIO(exported(client, REFUSALS, "csv")))] == ["mallory"]
    hidden = UserTaskEvent.objects.filter(run=unseen).earliest("number")
    assert client.get(url(f"{EVENTS}change", hidden.pk)).status_code == 302
    stranger = signed_in(a_user("sam", is_staff=True))
    assert stranger.get(url(f"{EVENTS}changelist")).status_code == 403
    assert stranger.get(url(f"{EVENTS}export", "jsonl")).status_code == 403
    assert Client().get(url(f"{EVENTS}export", "jsonl")).status_code == 302


def test_lists_are_narrowed_down_and_what_is_listed_is_exported(admin: User) -> None:
    run, other = a_story(), a_run(user_id="bob")
    operations.complete(other.id, {"requestedItem": "x", "justification": "y"}, by=Actor("bob"))
    client = signed_in(admin)
    now = UserTaskEvent.objects.latest("time").time
    cases: list[tuple[dict[str, str], int]] = [
        ({"by": "bob"}, 1),
        ({"run": str(run.id)}, 6),
        ({"run": run.id.hex, "type__exact": "saved"}, 1),
        ({"door": "rest"}, 5),
        ({"by": "nobody"}, 0),
        ({"until": f"{now:%Y-%m-%d}T00:00"}, 0),
        ({"since": f"{now:%Y-%m-%d}T00:00"}, 8),
        ({"run": "x"}, 0),
    ]
    for narrowed, count in cases:
        assert len(exported(client, EVENTS, "jsonl", **narrowed).splitlines()) == count, narrowed
    assert "Completed" in listed(client, EVENTS, by="bob")
    assert "alice" not in listed(client, EVENTS, by="bob")
    assert "Enter the whole id of a run." in Page(client.get(url(f"{EVENTS}changelist"), {"run": "x"})).text
    assert client.get(url(f"{EVENTS}export", "xml")).status_code == 404
    assert client.get(url(f"{EVENTS}export", "csv"), {"foo": "bar"}).status_code == 302


def test_nobody_changes_adds_or_deletes_what_happened(admin: User) -> None:
    run = a_story()
    client, event, refusal = signed_in(admin), run.events.earliest("number"), a_refusal(run)
    for name, row in ((EVENTS, event), (REFUSALS, refusal)):
        assert client.get(url(f"{name}add")).status_code == 403
        assert client.post(url(f"{name}delete", row.pk), {"post": "yes"}).status_code == 403
        assert client.post(url(f"{name}change", row.pk), {"actor": "x"}).status_code == 403


def test_lists_cost_the_same_however_long_they_are(admin: User) -> None:
    client = signed_in(admin)
    costs = []
    for _ in range(2):
        a_refusal(a_story())
        with CaptureQueriesContext(connection) as queries:
            listed(client, EVENTS)
            listed(client, REFUSALS)
            exported(client, EVENTS, "csv")
        costs.append(len(queries))
    assert costs[0] == costs[1]
