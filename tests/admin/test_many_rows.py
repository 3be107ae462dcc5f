"""Actions on many rows at once: each row is answered for itself, and no more is asked for many than for one."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import User
from django.db.models import Model
from django.test import Client
from django.utils import timezone

from tests.admin.pages import DEFINITIONS, LEADS, SUBSTITUTIONS, TOKENS, signed_in, url
from tests.cast import a_definition, a_run, a_user
from usertasks import feed
from usertasks.leads import appoint
from usertasks.models import (
    ApiToken,
    Delivery,
    DeliveryState,
    GroupLead,
    Refusal,
    Substitution,
    UserTaskDef,
    WebhookEndpoint,
)

pytestmark = pytest.mark.django_db


@pytest.fixture
def client(admin: User) -> Client:
    return signed_in(admin)


def act(client: Client, list_of: str, action: str, *rows: Model, **more: str) -> str:
    form: dict[str, Any] = {"action": action, "_selected_action": [row.pk for row in rows], **more}
    return client.post(url(f"{list_of}changelist"), form, follow=True).content.decode()


def test_definitions_that_runs_need_stay_when_many_are_deleted(client: Client) -> None:
    kept, gone = a_definition("kept"), [a_definition("one"), a_definition("two")]
    a_run(kept)
    page = act(client, DEFINITIONS, "delete_selected", kept, *gone, post="yes")
    assert "Kept v0 was not deleted. There are runs of kept version 0." in page
    assert all(f"{name} v0 was deleted." in page for name in ("One", "Two"))
    assert [row.name for row in UserTaskDef.objects.all()] == ["kept"]
    assert {entry.object_repr for entry in LogEntry.objects.all()} == {"one v0", "two v0"}
    assert [(note.action, note.code) for note in Refusal.objects.all()] == [("delete_definition", "wrong_state")]


def test_deliveries_of_an_endpoint_that_is_off_are_refused_among_others(client: Client, admin: User) -> None:
    on, off = (WebhookEndpoint.objects.create(owner=admin, url=f"https://{n}.example.com/") for n in range(2))
    a_run()
    feed.publish(timezone.now())
    Delivery.objects.update(state=DeliveryState.DEAD, failures=3)
    WebhookEndpoint.objects.filter(pk=off.pk).update(active=False, switched_off="by_hand")
    rows = list(Delivery.objects.all())
    page = act(client, "admin:usertasks_delivery_", "redeliver", *rows)
    assert page.count("The endpoint is switched off.") == off.deliveries.count() > 0
    assert set(on.deliveries.values_list("state", "failures")) == {("pending", 0)}
    assert set(off.deliveries.values_list("state", "failures")) == {("dead", 3)}


def test_substitutions_end_or_go_and_those_that_are_over_stay(client: Client) -> None:
    now, day = timezone.now(), timedelta(days=1)
    periods = {"begun": (-day, day), "planned": (day, 2 * day), "over": (-2 * day, -day)}
    rows = {
        name: Substitution.objects.create(
            user_id=name, substitute_id="bob", starts_at=now + begin, ends_at=now + end, named_by=name
        )
        for name, (begin, end) in periods.items()
    }
    page = act(client, SUBSTITUTIONS, "end", *rows.values())
    assert ("Bob for over: It is over already." in page, "2 substitutions ended." in page) == (True, True)
    left = Substitution.objects.in_bulk(field_name="pk")
    assert set(left) == {rows["begun"].pk, rows["over"].pk}
    assert left[rows["over"].pk].ends_at == rows["over"].ends_at
    assert now <= left[rows["begun"].pk].ends_at <= timezone.now()
    assert LogEntry.objects.count() == 2


def test_tokens_are_revoked_once(client: Client, alice: User) -> None:
    for name in ("one", "two"):
        ApiToken.objects.issue(alice, name=name)
    rows = list(ApiToken.objects.all())
    for _ in range(2):
        assert "2 tokens revoked." in act(client, TOKENS, "revoke", *rows)
    assert not ApiToken.objects.filter(revoked_at=None).exists()
    assert LogEntry.objects.count() == 2


def test_whoever_loses_their_last_group_among_many_loses_the_role(client: Client) -> None:
    names = ("lena", "lou")
    people = {name: a_user(name) for name in names}
    for name in names:
        appoint(name, "finance")
    appoint("lou", "it")
    act(client, LEADS, "delete_selected", *GroupLead.objects.filter(user_group="finance"), post="yes")
    assert [people[name].groups.filter(name="lead").exists() for name in names] == [False, True]
