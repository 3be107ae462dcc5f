"""A row that is found by its key is the one that the ORM gives, in one statement; and a session, while it lasts."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.conf import settings
from django.contrib.auth.models import User
from django.contrib.sessions.models import Session
from django.db.models import Model
from django.test import Client
from django.utils import timezone

from tests.cast import a_definition, a_run
from usertasks.by_key import find
from usertasks.models import Draft, SavedFilter, UserTaskDef, UserTaskRun
from usertasks.sessions import SessionStore

pytestmark = pytest.mark.django_db

NOW = datetime(2026, 3, 29, 1, 30, 0, 123456, tzinfo=UTC)


def a_session(**data: Any) -> SessionStore:
    store = SessionStore()
    store.update(data)
    store.save()
    return store


def rows() -> list[Model]:
    """Of each kind that is found so, with what is easily read wrong: times, JSON, nothing at all."""
    run = a_run(due_at=NOW, excluded_user_ids=["bob"], user_group="it", user_id="alice")
    UserTaskRun.objects.filter(pk=run.pk).update(results={"amount": 2**60, "cost": 0.1, "kind": None, "text": "ü\\"})
    draft = Draft.objects.create(run=run, user_id="alice", text='{"x":["\\u0000"]}', saved_at=NOW, snapshot_at=NOW)
    saved = SavedFilter.objects.create(user_id="alice", name="late", box="all", query="overdue=true")
    session = Session.objects.get(pk=a_session(a=1).session_key)
    return [run, a_run(), draft, saved, a_definition(), session]


def test_it_is_the_row_that_the_orm_gives() -> None:
    for row in rows():
        same, found = type(row)._base_manager.get(pk=row.pk), find(type(row), **{row._meta.pk.attname: row.pk})
        assert found == same
        for field in row._meta.concrete_fields:
            one, other = getattr(found, field.attname), getattr(same, field.attname)
            assert (one, type(one)) == (other, type(other)), f"{row._meta.label}.{field.attname}"


def test_it_is_found_by_several_columns_in_one_statement(django_assert_num_queries: Any) -> None:
    run = a_run()
    mine, _other = (
        Draft.objects.create(run=run, user_id=name, saved_at=NOW, snapshot_at=NOW) for name in ("alice", "bob")
    )
    with django_assert_num_queries(1):
        assert find(Draft, run_id=run.id, user_id="alice") == mine
    assert find(Draft, run_id=run.id, user_id="charlie") is None
    assert find(Draft, run_id=uuid4(), user_id="alice") is None
    assert find(UserTaskDef, id=-1) is None


def test_what_was_found_can_be_changed_and_saved() -> None:
    run = a_run()
    Draft.objects.create(run=run, user_id="alice", saved_at=NOW, snapshot_at=NOW)
    draft = find(Draft, run_id=run.id, user_id="alice")
    assert draft is not None
    draft.text = "{}"
    draft.save()
    assert [kept.text for kept in Draft.objects.all()] == ["{}"]


def test_a_session_is_found_until_it_is_over(client: Client, alice: User) -> None:
    client.force_login(alice)
    assert client.get("/inbox/").status_code == 200
    Session.objects.update(expire_date=timezone.now() + timedelta(seconds=60))
    assert client.get("/inbox/").status_code == 200
    Session.objects.update(expire_date=timezone.now())
    assert client.get("/inbox/")["Location"].startswith("/sign-in/")


def test_of_a_session_that_is_over_nobody_gets_the_name_or_what_it_held() -> None:
    key = a_session(a=1).session_key
    assert SessionStore(key).get("a") == 1
    Session.objects.filter(pk=key).update(expire_date=timezone.now() - timedelta(seconds=1))
    over = SessionStore(key)
    assert over.get("a") is None
    over["b"] = 2
    over.save()
    assert over.session_key not in (None, key)


def test_a_session_that_somebody_else_wrote_says_nothing() -> None:
    key = a_session(a=1).session_key
    Session.objects.filter(pk=key).update(session_data="eyJhIjoyfQ:1w:forged")
    assert dict(SessionStore(key).items()) == {}


@pytest.mark.parametrize("key", [r'"\000abcdefghijk"', r'"\351\377abcdefgh"', "x" * 5000, "' OR 1=1 --"])
def test_a_cookie_that_names_no_session_is_nobodys(client: Client, key: str) -> None:
    answer = client.get("/inbox/", headers={"Cookie": f"{settings.SESSION_COOKIE_NAME}={key}"})
    assert answer["Location"].startswith("/sign-in/")
