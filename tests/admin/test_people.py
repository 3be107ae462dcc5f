"""Leads and substitutes in the admin."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone

from tests.admin.pages import LEADS, SUBSTITUTIONS, Page, signed_in, url
from tests.cast import FINANCE, a_user
from usertasks.actors import actor_for
from usertasks.leads import appoint
from usertasks.models import GroupLead, Substitution

DAY = timedelta(days=1)


@pytest.fixture
def client(admin: User) -> Client:
    return signed_in(admin)


@pytest.fixture
def chief(db: None) -> Client:
    """A manager, as the role makes them."""
    return signed_in(a_user("chief", groups=["manager"], is_staff=True))


def name(client: Client, user: str = "alice", substitute: str = "bob", **changes: str) -> Any:
    today = timezone.localdate()
    days = {"first_day": today.isoformat(), "last_day": (today + DAY).isoformat()}
    form = {"user_id": user, "substitute_id": substitute, **days, **changes}
    return client.post(url(f"{SUBSTITUTIONS}add"), form, follow=True)


def do(client: Client, prefix: str, action: str, row: Any) -> Any:
    form = {"action": action, "_selected_action": [row.pk], "post": "yes"}
    return client.post(url(f"{prefix}changelist"), form, follow=True)


def test_a_lead_is_appointed_and_has_the_role(client: Client, charlie: User) -> None:
    page = Page(client.post(url(f"{LEADS}add"), {"user_id": "charlie", "user_group": FINANCE}, follow=True))
    assert f"Lead appointed: charlie for {FINANCE}." in page.text
    assert actor_for(charlie).leads == {FINANCE}
    assert LogEntry.objects.get().object_id == str(GroupLead.objects.get().pk)


@pytest.mark.parametrize("way", ["one", "many"])
def test_a_lead_who_is_dismissed_loses_the_role(client: Client, charlie: User, way: str) -> None:
    row = appoint("charlie", FINANCE)
    if way == "one":
        client.post(url(f"{LEADS}delete", row.pk), {"post": "yes"})
    else:
        do(client, LEADS, "delete_selected", row)
    assert not GroupLead.objects.exists()
    assert not charlie.groups.filter(name="lead").exists()


def test_what_cannot_be_a_lead_is_said_beside_its_field(client: Client) -> None:
    response = client.post(url(f"{LEADS}add"), {"user_id": "charlie", "user_group": " "})
    assert list(response.context["form"].errors) == ["user_group"]


def test_a_manager_names_a_substitute_for_whoever_is_ill_and_ends_it(chief: Client, alice: User, bob: User) -> None:
    assert "Substitute named: bob for alice." in Page(name(chief)).text
    row = Substitution.objects.get()
    assert (row.user_id, row.substitute_id, row.named_by) == ("alice", "bob", "chief")
    assert actor_for(bob).stands_in_for == {"alice"}
    assert "1 substitution ended." in Page(do(chief, SUBSTITUTIONS, "end", row)).text
    assert actor_for(bob).stands_in_for == frozenset()


def test_what_others_have_named_a_manager_does_not_end(chief: Client, alice: User, bob: User) -> None:
    now = timezone.now()
    row = Substitution.objects.create(
        user_id="alice", substitute_id="bob", named_by="alice", starts_at=now - DAY, ends_at=now + DAY
    )
    do(chief, SUBSTITUTIONS, "end", row)
    assert actor_for(bob).stands_in_for == {"alice"}


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"substitute": "alice"}, "substitute_id"),
        ({"user": "nobody"}, "user_id"),
        ({"last_day": "2020-01-01"}, "last_day"),
        ({"last_day": "9999-12-31"}, "last_day"),
    ],
)
def test_a_mistake_is_said_beside_its_field(
    client: Client, alice: User, bob: User, changes: dict[str, str], field: str
) -> None:
    assert list(name(client, **changes).context["form"].errors) == [field]
    assert not Substitution.objects.exists()


def test_a_row_is_neither_changed_nor_deleted(client: Client, alice: User, bob: User) -> None:
    name(client)
    row = Substitution.objects.get()
    for page in ("change", "delete"):
        assert client.post(url(f"{SUBSTITUTIONS}{page}", row.pk), {"post": "yes"}).status_code == 403
    assert Substitution.objects.get() == row


def test_it_takes_the_permission(alice: User, bob: User) -> None:
    staff = signed_in(a_user("sam", is_staff=True))
    assert name(staff).status_code == 403
    assert staff.post(url(f"{LEADS}add"), {"user_id": "sam", "user_group": FINANCE}).status_code == 403
